// Files: whole or not at all, and errors that name the file and the cause.
#include "base/file.h"

#include <doctest/doctest.h>
#include <stdlib.h>

#include <filesystem>

namespace tacho {
namespace {

/// A folder of its own for one test, gone at its end.
class Folder {
 public:
  Folder() {
    char path[] = "/tmp/tacho-file-test-XXXXXX";
    path_ = ::mkdtemp(path);
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;

  std::string operator/(const std::string& name) const { return path_ + "/" + name; }

  std::size_t size() const {
    const std::filesystem::directory_iterator files(path_);
    return static_cast<std::size_t>(std::distance(begin(files), end(files)));
  }

 private:
  std::string path_;
};

TEST_CASE("what was written is read back, every byte of it") {
  const Folder folder;
  std::string content(200'000, '\0');
  for (std::size_t i = 0; i < content.size(); ++i) content[i] = static_cast<char>(i * 31 % 251);
  REQUIRE(write_file(folder / "a", content).ok());
  CHECK(read_file(folder / "a").value() == content);
  REQUIRE(write_file(folder / "a", "").ok());
  CHECK(read_file(folder / "a").value().empty());
}

TEST_CASE("writing leaves no temporary file behind, also when it fails") {
  const Folder folder;
  REQUIRE(write_file(folder / "a", "1").ok());
  REQUIRE(write_file(folder / "a", "2").ok());
  CHECK(folder.size() == 1);

  REQUIRE(make_folders(folder / "occupied/inner").ok());
  CHECK_FALSE(write_file(folder / "occupied", "x").ok());
  CHECK(folder.size() == 2);
}

TEST_CASE("a missing file is the user's error; a place that cannot be written is the world's") {
  const Folder folder;
  const auto missing = read_file(folder / "none");
  REQUIRE_FALSE(missing.ok());
  CHECK(missing.error().kind == Error::Kind::input);
  CHECK(missing.error().message ==
        "cannot read '" + (folder / "none") + "': No such file or directory");

  const auto unwritable = write_file(folder / "no/such/folder", "x");
  REQUIRE_FALSE(unwritable.ok());
  CHECK(unwritable.error().kind == Error::Kind::world);
  CHECK(unwritable.error().message.find(folder / "no/such/folder") != std::string::npos);
}

TEST_CASE("a folder is not a file that can be read") {
  const Folder folder;
  const auto result = read_file(folder / ".");
  REQUIRE_FALSE(result.ok());
  CHECK(result.error().message.find("Is a directory") != std::string::npos);
}

TEST_CASE("folders are made with their parents, and made again without complaint") {
  const Folder folder;
  REQUIRE(make_folders(folder / "a/b/c").ok());
  CHECK(make_folders(folder / "a/b/c").ok());
  CHECK(is_folder(folder / "a/b/c"));
  CHECK_FALSE(is_folder(folder / "a/x"));
  REQUIRE(write_file(folder / "a/file", "x").ok());
  CHECK(exists(folder / "a/file"));
  CHECK_FALSE(is_folder(folder / "a/file"));
  CHECK_FALSE(make_folders(folder / "a/file/b").ok());
}

TEST_CASE("two writers of one file append whole lines after what was there") {
  const Folder folder;
  REQUIRE(write_file(folder / "log", "0\n").ok());
  auto first = AppendFile::open(folder / "log");
  auto second = AppendFile::open(folder / "log");
  REQUIRE(first.ok());
  REQUIRE(second.ok());
  REQUIRE(first->append("1\n").ok());
  REQUIRE(second->append("2\n").ok());
  REQUIRE(first->append("3\n").ok());
  CHECK(read_file(folder / "log").value() == "0\n1\n2\n3\n");
}

TEST_CASE("an append file that was moved still writes, and a full disk is named") {
  const Folder folder;
  auto opened = AppendFile::open(folder / "log");
  REQUIRE(opened.ok());
  AppendFile moved = *std::move(opened);
  REQUIRE(moved.append("x").ok());
  CHECK(read_file(folder / "log").value() == "x");

  auto full = AppendFile::open("/dev/full");
  REQUIRE(full.ok());
  const Status status = full->append("x");
  REQUIRE_FALSE(status.ok());
  CHECK(status.error().message == "cannot write '/dev/full': No space left on device");
  CHECK(status.error().kind == Error::Kind::world);
}

}  // namespace
}  // namespace tacho
