// The addresses that connections come from. One address has about 28,000 ports towards one server;
// a load of more connections than that needs several.
#pragma once

#include <string>
#include <vector>

#include "net/address.h"

namespace tacho {

/// The addresses of a list of IPv4 or IPv6 addresses, ranges (10.0.0.5-10.0.0.9) and blocks
/// (127.0.0.0/28: its hosts, without the first and the last). Fails on what is none of these and
/// on more than 4,096 addresses.
Result<std::vector<Address>> parse_source_addresses(const std::vector<std::string>& list);

/// Tries each of them once: fails, naming it, when one is not this machine's own.
Status check_source_addresses(const std::vector<Address>& addresses);

/// Fails when one of them is of another family than the destination, to which it cannot connect.
Status check_families(const std::vector<Address>& sources, const Address& destination);

/// Binds the socket to the address, and leaves the choice of the port to connect(), which then
/// needs a free one for this peer only. False with errno.
bool bind_source(int descriptor, const Address& address);

}  // namespace tacho
