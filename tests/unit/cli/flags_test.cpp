// Arguments as people type them: with spaces, commas and equals signs, in lists, with slips.
#include "cli/flags.h"

#include <doctest/doctest.h>

#include <cmath>
#include <set>

#include "base/text.h"
#include "cli/help.h"

namespace tacho {
namespace {

/// One flag of each kind.
struct Options {
  std::string text = "unset";
  bool is_on = false, is_off = true;
  std::uint32_t count = 7;
  double number = 0.5, seconds = 0.0;
  std::vector<std::string> words, lines;
  std::vector<std::uint32_t> counts;
  std::vector<double> rates;
  std::vector<std::string> rest;
  std::string error;

  FlagTable table() {
    FlagTable t;
    t.text({"--text", "-t", "--alias"}, "TEXT", text, "");
    t.toggle({"--on"}, is_on, "");
    t.toggle({"--off"}, is_off, "", false);
    t.integer({"--count"}, "N", count, "", 1);
    t.number({"--number"}, "X", number, "");
    t.duration({"--time"}, seconds, "");
    t.texts({"--words"}, "LIST", words, "");
    t.repeated({"--line"}, "LINE", lines, "");
    t.integers({"--counts"}, "N,N", counts, "");
    t.rates({"--rates"}, "R,R", rates, "");
    return t;
  }
};

Options parsed(const std::vector<std::string>& arguments) {
  Options options;
  const auto rest = options.table().parse(arguments);
  if (rest.ok()) {
    options.rest = *rest;
  } else {
    CHECK(rest.error().kind == Error::Kind::input);
    CHECK(rest.error().message.find('\n') == std::string::npos);
    options.error = rest.error().message;
  }
  return options;
}

TEST_CASE("each kind of flag takes its value after a space or an equals sign") {
  for (const bool has_equals : {false, true}) {
    std::vector<std::string> arguments;
    for (const auto& [flag, value] :
         std::vector<std::pair<std::string, std::string>>{{"--text", "a=b c"},
                                                          {"--count", "12"},
                                                          {"--number", "1.5"},
                                                          {"--time", "10m"},
                                                          {"--words", "x,y"},
                                                          {"--line", "A: b, c"},
                                                          {"--counts", "1,2"},
                                                          {"--rates", "0.5,inf"}}) {
      if (has_equals) {
        arguments.push_back(flag + "=" + value);
      } else {
        arguments.insert(arguments.end(), {flag, value});
      }
    }
    const Options o = parsed(arguments);
    CHECK(o.error == "");
    CHECK(o.text == "a=b c");
    CHECK(o.count == 12);
    CHECK(o.number == 1.5);
    CHECK(o.seconds == 600.0);
    CHECK(o.words == std::vector<std::string>{"x", "y"});
    CHECK(o.lines == std::vector<std::string>{"A: b, c"});
    CHECK(o.counts == std::vector<std::uint32_t>{1, 2});
    CHECK(o.rates == std::vector<double>{0.5, INFINITY});
    CHECK(o.rest.empty());
  }
}

TEST_CASE("lists are separated by commas, by spaces, or by both, and end at the next flag") {
  const std::vector<std::uint32_t> expected{1, 2, 4};
  for (const std::vector<std::string>& arguments :
       std::vector<std::vector<std::string>>{{"--counts", "1,2,4"},
                                             {"--counts", "1", "2", "4"},
                                             {"--counts", "1,", "2,", "4"},
                                             {"--counts", "1", ",2", ",", "4"},
                                             {"--counts=1,2", "4"},
                                             {"--counts", " 1 , 2,,4, "},
                                             {"--counts", "1", "2", "4", "--on"}}) {
    const Options o = parsed(arguments);
    CHECK(o.error == "");
    CHECK(o.counts == expected);
  }
  CHECK(parsed({"--counts", "1,2", "--counts", "3"}).counts == std::vector<std::uint32_t>{3});
}

TEST_CASE("switches take no value, aliases are the flag itself, the last one wins") {
  const Options o = parsed({"--on", "--off", "-t", "a", "--alias", "b"});
  CHECK(o.is_on);
  CHECK_FALSE(o.is_off);
  CHECK(o.text == "b");
  CHECK(parsed({"--on=1"}).error == "--on takes no value");
}

TEST_CASE("a repeated flag adds a line each time, commas and all") {
  CHECK(parsed({"--line", "A: 1, 2", "--line=B: 3"}).lines ==
        std::vector<std::string>{"A: 1, 2", "B: 3"});
}

TEST_CASE("negative numbers and a lone dash are values, not flags") {
  CHECK(parsed({"--number", "-3"}).number == -3.0);
  CHECK(parsed({"--number", "-.5"}).number == -0.5);
  CHECK(parsed({"--number=-3"}).number == -3.0);
  CHECK(parsed({"--text", "-"}).text == "-");
  CHECK(parsed({"-", "-3"}).rest == std::vector<std::string>{"-", "-3"});
  CHECK(parsed({"--text", "--on"}).text == "--on");  // A text may be anything.
}

TEST_CASE("what is no flag is handed back in order, and all after a double dash") {
  CHECK(parsed({"a", "--on", "b", "--", "--off", "c"}).rest ==
        std::vector<std::string>{"a", "b", "--off", "c"});
}

TEST_CASE("a slip is answered with the flag that was meant") {
  CHECK(parsed({"--cuont", "3"}).error == "unknown option '--cuont'; did you mean --count?");
  CHECK(parsed({"--count_", "3"}).error == "unknown option '--count_'; did you mean --count?");
  CHECK(parsed({"--completely-else"}).error ==
        "unknown option '--completely-else'; --help lists them");
  CHECK(parsed({"--cuont=3"}).error.find("'--cuont'") != std::string::npos);
}

TEST_CASE("a value that is missing or wrong is said with the flag's name") {
  CHECK(parsed({"--text"}).error == "--text needs a value: --text TEXT");
  CHECK(parsed({"--counts"}).error == "--counts needs a value: --counts N,N");
  CHECK(parsed({"--counts", "--on"}).error == "--counts needs a value: --counts N,N");
  CHECK(parsed({"--counts", ","}).error == "--counts needs a value: --counts N,N");
  for (const std::vector<std::string>& wrong :
       std::vector<std::vector<std::string>>{{"--count", "0"},
                                             {"--count", "-1"},
                                             {"--count", "1.5"},
                                             {"--count", "4294967296"},
                                             {"--count", "x"},
                                             {"--count", ""},
                                             {"--number", "x"},
                                             {"--number", "inf"},
                                             {"--time", "5 parsecs"},
                                             {"--time", "-1s"},
                                             {"--counts", "1,x"},
                                             {"--counts", "0"},
                                             {"--rates", "0"},
                                             {"--rates", "-1"},
                                             {"--rates", "nan"}}) {
    CAPTURE(wrong[0] + " " + wrong[1]);
    CHECK(parsed(wrong).error.find(wrong[0]) == 0);
  }
}

TEST_CASE("times are read in seconds and their multiples") {
  const auto seconds = [](std::string_view text) { return parse_seconds(text).value(); };
  CHECK(seconds("30") == 30.0);
  CHECK(seconds("30s") == 30.0);
  CHECK(seconds("1.5m") == 90.0);
  CHECK(seconds("2h") == 7200.0);
  CHECK(seconds("500ms") == 0.5);
  CHECK(seconds("0") == 0.0);
  for (const char* text : {"", "s", "ms", "1d", "1 s s", "--1", "inf", "nan"}) {
    CAPTURE(std::string(text));
    CHECK_FALSE(parse_seconds(text).ok());
  }
}

TEST_CASE("every command has its help, and no flag of it has two meanings") {
  CHECK(overview_text().find("tacho bench") != std::string::npos);
  for (const Command& command : commands()) {
    CAPTURE(std::string(command.name));
    CHECK(overview_text().find(std::string(command.summary)) != std::string::npos);
    const std::string help = help_text(command);
    std::set<std::string> names;
    const FlagTable table = command.flags();
    for (const Flag& flag : table.rows()) {
      CHECK_FALSE(flag.help.empty());
      CHECK(flag.set);
      for (const auto& name : flag.names) {
        CAPTURE(name);
        CHECK(names.insert(name).second);
        CHECK(name.starts_with('-'));
      }
      CHECK(help.find(flag.names.front()) != std::string::npos);
    }
  }
}

TEST_CASE("the man page and the completions know every flag") {
  const std::string man = man_page();
  for (const char* shell : {"bash", "zsh", "fish"}) {
    const auto script = completion(shell);
    REQUIRE(script.ok());
    for (const Command& command : commands()) {
      const FlagTable table = command.flags();
      for (const Flag& flag : table.rows()) {
        const std::string name =
            flag.names.front().substr(flag.names.front().find_first_not_of('-'));
        CAPTURE(name);
        CHECK(script->find(name) != std::string::npos);
        CHECK(man.find(name.substr(0, name.find('-'))) != std::string::npos);
      }
    }
  }
  CHECK_FALSE(completion("tcsh").ok());
}

}  // namespace
}  // namespace tacho
