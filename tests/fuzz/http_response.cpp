// The parser of HTTP responses: any bytes are refused or read, the same however they are cut.
#include "http_reading.h"

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  tacho::fuzz::compare_cuts(tacho::HttpParser::Kind::response, tacho::fuzz::Input(data, size));
  return 0;
}
