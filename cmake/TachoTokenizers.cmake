# tacho_tokenizers: the Hugging Face tokenizers crate behind a C ABI (rust/tokenizer), built by
# cargo as one static archive inside the build folder, once and again only when its sources change.
# Cargo fetches the locked crates on the first build; with CARGO_NET_OFFLINE=true it takes them from
# its cache.
find_program(CARGO cargo HINTS $ENV{HOME}/.cargo/bin)
if(NOT CARGO)
  message(FATAL_ERROR "cargo is missing: install Rust 1.85 or newer (scripts/setup.sh does it)")
endif()

set(tokenizer_crate ${CMAKE_SOURCE_DIR}/rust/tokenizer)
set(tokenizer_target ${CMAKE_BINARY_DIR}/rust)
set(tokenizer_archive ${tokenizer_target}/release/libtacho_tokenizer.a)

# The crate is built the same way in every configuration; the sanitizers' flags stop here.
add_custom_command(
  OUTPUT ${tokenizer_archive}
  COMMAND ${CMAKE_COMMAND} -E env CARGO_TARGET_DIR=${tokenizer_target}
          ${CARGO} build --release --locked --quiet --manifest-path ${tokenizer_crate}/Cargo.toml
  # Cargo leaves an archive alone that it finds fresh; touching it tells make that it is.
  COMMAND ${CMAKE_COMMAND} -E touch ${tokenizer_archive}
  DEPENDS ${tokenizer_crate}/Cargo.toml ${tokenizer_crate}/Cargo.lock ${tokenizer_crate}/src/lib.rs
  COMMENT "Building the tokenizers crate"
  VERBATIM)
add_custom_target(tacho_tokenizer_crate DEPENDS ${tokenizer_archive})

add_library(tacho_tokenizers INTERFACE)
add_dependencies(tacho_tokenizers tacho_tokenizer_crate)
target_include_directories(tacho_tokenizers INTERFACE ${tokenizer_crate})
target_link_libraries(tacho_tokenizers INTERFACE ${tokenizer_archive} Threads::Threads
                      ${CMAKE_DL_LIBS} m)
