// TLS 1.2 and 1.3 around any Stream, through OpenSSL's memory BIOs: we keep the receive call, and
// with it the kernel's stamps, which a library that reads the socket itself would hide.
#pragma once

#include <memory>
#include <string>

#include "net/client.h"
#include "net/loop.h"

namespace tacho {

/// The versions of TLS that are spoken here.
enum class TlsVersion { tls12, tls13 };

/// Which versions of HTTP are offered in the handshake (ALPN).
enum class AlpnOffer {
  none,    ///< Nothing is said, which means HTTP/1.1.
  http2,   ///< HTTP/2 or no connection.
  either,  ///< The server picks.
};

/// Whom to trust, what to show, and which versions to speak.
struct TlsOptions {
  bool verify = true;   ///< False accepts any certificate.
  std::string ca_file;  ///< A PEM file to trust instead of the system's store; empty: the system's.
  std::string certificate_file = {};  ///< Our own certificate and its chain (PEM); empty: none.
  std::string key_file = {};  ///< Its key (PEM); empty: in the same file as the certificate.
  std::string key_password = {};
  std::string key_flag = "--key";  ///< What names the key's file, for error messages ...
  std::string password_flag = "--key-pass-env";  ///< ... and its password; empty: nothing does.
  TlsVersion oldest = TlsVersion::tls12;
  TlsVersion newest = TlsVersion::tls13;
  AlpnOffer offer = AlpnOffer::none;
};

class TlsContextImpl;

/// What all TLS connections to one host share.
class TlsContext {
 public:
  /// Fails when a file cannot be read, the password does not open the key, or the key is not the
  /// certificate's.
  static Result<TlsContext> create(const TlsOptions& options, std::string host);
  /// The same for those who connect to us: the options' own certificate and key count, and the
  /// versions.
  static Result<TlsContext> create_server(const TlsOptions& options);
  TlsContext(TlsContext&&) noexcept;
  TlsContext& operator=(TlsContext&&) noexcept;
  ~TlsContext();

  /// Speaks TLS over the stream that `dial` opens; the handler sees plain bytes and hears
  /// on_connected when the handshake is done. The context must outlive the stream.
  StreamPtr connect(Loop& loop, const Dial& dial, StreamHandler& handler) const;
  /// Speaks TLS over a connection that came in. `take` gets the stream of plain bytes and names its
  /// handler; what is returned is the handler of the connection itself.
  StreamHandler& accept(Loop& loop, StreamPtr inner, AcceptHandler& take) const;

 private:
  explicit TlsContext(std::unique_ptr<TlsContextImpl> impl);
  std::unique_ptr<TlsContextImpl> impl_;
};

}  // namespace tacho
