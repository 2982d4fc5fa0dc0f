// Addresses that are paths: UNIX sockets, for a server on the same machine that has no port.
#pragma once

#include <string>

#include "net/address.h"

namespace tacho {

/// The address of a path. Fails when it is empty or longer than the system can hold (107 bytes).
Result<Address> unix_address(const std::string& path);

/// The path of such an address; empty for any other.
std::string unix_path(const Address& address);

/// Removes a socket file that nobody listens on any more: a server that was killed leaves it, and
/// it would keep the next one from starting.
void remove_stale_socket(const Address& address);

}  // namespace tacho
