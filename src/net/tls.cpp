#include "net/tls.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <vector>

#include "base/text.h"

namespace tacho {

/// Owns the OpenSSL context; named so that its header need not name OpenSSL.
class TlsContextImpl {
 public:
  TlsContextImpl(SSL_CTX* context, std::string host, AlpnOffer offer)
      : context_(context), host_(std::move(host)), offer_(offer) {}
  ~TlsContextImpl() { SSL_CTX_free(context_); }
  TlsContextImpl(const TlsContextImpl&) = delete;
  TlsContextImpl& operator=(const TlsContextImpl&) = delete;

  AlpnOffer offer() const { return offer_; }

  /// A session of ours with one who connects to us.
  SSL* new_server_session() const {
    SSL* session = SSL_new(context_);
    SSL_set_accept_state(session);
    return session;
  }

  SSL* new_session() const {
    SSL* session = SSL_new(context_);
    SSL_set_connect_state(session);
    SSL_set_tlsext_host_name(session, host_.c_str());
    X509_VERIFY_PARAM* param = SSL_get0_param(session);
    // An address is checked against the certificate's IP entries, a name against its DNS entries.
    if (X509_VERIFY_PARAM_set1_ip_asc(param, host_.c_str()) != 1) {
      SSL_set1_host(session, host_.c_str());
    }
    return session;
  }

 private:
  SSL_CTX* context_;
  std::string host_;
  AlpnOffer offer_;
};

namespace {

std::string last_error() {
  const unsigned long code = ERR_peek_last_error();
  const char* reason = ERR_reason_error_string(code);
  ERR_clear_error();
  return reason != nullptr ? reason : "the handshake failed";
}

/// What a broken session is about: the peer's own verdict on us comes as an alert. With TLS 1.3 a
/// server looks at our certificate after our side of the handshake is over, so that its alert is
/// met by a read.
CloseReason last_failure(CloseReason::Kind otherwise) {
  const int reason = ERR_GET_REASON(ERR_peek_last_error());
  const std::string words = last_error();
  if (reason == SSL_R_TLSV1_ALERT_NO_APPLICATION_PROTOCOL) {
    return {CloseReason::Kind::not_http2, "the server does not offer HTTP/2"};
  }
  if (reason > SSL_AD_REASON_OFFSET) return {CloseReason::Kind::denied, words};
  if (reason == SSL_R_UNSUPPORTED_PROTOCOL) return {CloseReason::Kind::denied, words};
  if (reason == SSL_R_WRONG_VERSION_NUMBER) return {CloseReason::Kind::not_tls, words};
  return {otherwise, words};
}

/// The password of a key, and whether the key needs one.
struct KeyPassword {
  std::string text;
  bool was_asked_for = false;
};

/// Hands the password of a key over; without it OpenSSL would ask at the terminal.
int give_password(char* buffer, int size, int, void* key_password) {
  auto& password = *static_cast<KeyPassword*>(key_password);
  const std::string& text = password.text;
  password.was_asked_for = true;
  const auto length = std::min(text.size(), static_cast<std::size_t>(size));
  std::copy_n(text.begin(), length, buffer);
  return static_cast<int>(length);
}

int wire_version(TlsVersion version) {
  return version == TlsVersion::tls12 ? TLS1_2_VERSION : TLS1_3_VERSION;
}

/// Why the key was not taken, in words that say what to do.
Error key_error(const TlsOptions& options, const std::string& key_file, bool is_locked) {
  const unsigned long first = ERR_peek_error();
  const unsigned long last = ERR_peek_last_error();
  ERR_clear_error();
  const auto is = [&](int library, int reason) {
    return (ERR_GET_LIB(first) == library && ERR_GET_REASON(first) == reason) ||
           (ERR_GET_LIB(last) == library && ERR_GET_REASON(last) == reason);
  };
  if (is(ERR_LIB_X509, X509_R_KEY_VALUES_MISMATCH) || is(ERR_LIB_X509, X509_R_KEY_TYPE_MISMATCH)) {
    return input_error(format("the key in '{}' is not that of the certificate in '{}'", key_file,
                              options.certificate_file));
  }
  if (!is_locked) {
    return input_error(
        format("cannot read a key (PEM) from '{}'{}", key_file,
               options.key_file.empty() ? "; name its file with " + options.key_flag : ""));
  }
  if (options.password_flag.empty()) {
    return input_error(
        format("the key in '{}' needs a password, which a server is not given; write it without "
               "one: openssl pkey -in {} -out FILE",
               key_file, key_file));
  }
  if (options.key_password.empty()) {
    return input_error(
        format("the key in '{}' needs a password; name the environment variable that holds it with "
               "{}",
               key_file, options.password_flag));
  }
  return input_error(
      format("the password of {} does not open the key in '{}'", options.password_flag, key_file));
}

void offer_http(SSL_CTX* context, AlpnOffer offer) {
  if (offer == AlpnOffer::none) return;
  const std::string_view names = offer == AlpnOffer::http2 ? "\x02h2" : "\x02h2\x08http/1.1";
  SSL_CTX_set_alpn_protos(context, reinterpret_cast<const unsigned char*>(names.data()),
                          static_cast<unsigned int>(names.size()));
}

Status load_own_certificate(SSL_CTX* context, const TlsOptions& options) {
  if (options.certificate_file.empty()) return Nothing{};
  const std::string& certificate = options.certificate_file;
  if (SSL_CTX_use_certificate_chain_file(context, certificate.c_str()) != 1) {
    ERR_clear_error();
    return input_error(format("cannot read a certificate (PEM) from '{}'", certificate));
  }
  const std::string& key = options.key_file.empty() ? certificate : options.key_file;
  KeyPassword password{options.key_password};
  SSL_CTX_set_default_passwd_cb(context, give_password);
  SSL_CTX_set_default_passwd_cb_userdata(context, &password);
  const bool is_loaded = SSL_CTX_use_PrivateKey_file(context, key.c_str(), SSL_FILETYPE_PEM) == 1;
  SSL_CTX_set_default_passwd_cb_userdata(context, nullptr);
  SSL_CTX_set_default_passwd_cb(context, nullptr);
  if (!is_loaded) return key_error(options, key, password.was_asked_for);
  // A key of another kind (RSA, EC) than the certificate's is only found here.
  if (SSL_CTX_check_private_key(context) == 1) return Nothing{};
  ERR_clear_error();
  return input_error(
      format("the key in '{}' is not that of the certificate in '{}'", key, certificate));
}

/// A Stream that encrypts what is written and decrypts what comes in.
class TlsStream final : public Stream, public StreamHandler {
 public:
  /// Takes the session over. The handler may come later, before any byte does.
  TlsStream(Loop& loop, SSL* session, bool needs_http2, StreamHandler* handler)
      : loop_(loop),
        handler_(handler),
        session_(session),
        needs_http2_(needs_http2),
        plain_(16 * 1024) {
    from_peer_ = BIO_new(BIO_s_mem());
    to_peer_ = BIO_new(BIO_s_mem());
    SSL_set_bio(session_, from_peer_, to_peer_);
  }
  ~TlsStream() override { SSL_free(session_); }

  void attach(StreamPtr inner) { inner_ = std::move(inner); }
  void attach(StreamHandler& handler) { handler_ = &handler; }

  void write(std::string_view bytes) override {
    while (!bytes.empty()) {
      const auto size = static_cast<int>(std::min<std::size_t>(bytes.size(), 1u << 20));
      const int n = SSL_write(session_, bytes.data(), size);
      if (n <= 0)
        return;  // Memory BIOs never block: the session is broken, which the next read reports.
      bytes.remove_prefix(static_cast<std::size_t>(n));
    }
    push_out();
  }
  std::string_view application_protocol() const override {
    const unsigned char* name = nullptr;
    unsigned int size = 0;
    SSL_get0_alpn_selected(session_, &name, &size);
    return {reinterpret_cast<const char*>(name), size};
  }
  bool is_flushed() const override { return inner_->is_flushed(); }
  Instant last_write() const override { return inner_->last_write(); }
  void shut_down() override {
    SSL_shutdown(session_);
    push_out();
    inner_->shut_down();
  }
  void abort() override { inner_->abort(); }

  void on_connected() override { shake_hands(); }

  void on_bytes(std::string_view bytes, const Receipt& receipt) override {
    if (!has_bytes_ && bytes.starts_with("HTTP/")) {
      end({CloseReason::Kind::not_tls, "the server speaks plain HTTP"});
      return;
    }
    has_bytes_ = true;
    BIO_write(from_peer_, bytes.data(), static_cast<int>(bytes.size()));
    if (!is_up_) shake_hands();
    if (is_up_) read_plain(receipt);
  }

  void on_flushed() override {
    if (is_up_ && !is_over_) handler_->on_flushed();
  }

  void on_closed(const CloseReason& reason) override {
    if (is_up_ || reason.kind == CloseReason::Kind::refused) {
      end(reason);
    } else {
      end({CloseReason::Kind::not_tls, "the connection ended in the TLS handshake"});
    }
  }

 private:
  void retire() override {
    is_over_ = true;
    inner_.reset();
    loop_.bury(std::unique_ptr<Stream>(this));
  }

  void shake_hands() {
    const int n = SSL_do_handshake(session_);
    push_out();
    if (n == 1) {
      if (needs_http2_ && application_protocol() != "h2") {
        end({CloseReason::Kind::not_http2, "the server does not offer HTTP/2"});
        return;
      }
      is_up_ = true;
      handler_->on_connected();
      return;
    }
    const int error = SSL_get_error(session_, n);
    if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE) return;
    const long verdict = SSL_get_verify_result(session_);
    if (verdict != X509_V_OK) {
      end({CloseReason::Kind::untrusted, X509_verify_cert_error_string(verdict)});
    } else {
      end(last_failure(CloseReason::Kind::untrusted));
    }
  }

  void read_plain(const Receipt& receipt) {
    while (!is_over_) {
      const int n = SSL_read(session_, plain_.data(), static_cast<int>(plain_.size()));
      if (n > 0) {
        handler_->on_bytes({plain_.data(), static_cast<std::size_t>(n)}, receipt);
        continue;
      }
      const int error = SSL_get_error(session_, n);
      if (error == SSL_ERROR_ZERO_RETURN) {
        end({CloseReason::Kind::end, ""});
      } else if (error != SSL_ERROR_WANT_READ) {
        end(last_failure(CloseReason::Kind::reset));
      }
      break;
    }
    if (!is_over_) push_out();  // Answers to key updates and the like.
  }

  void push_out() {
    char* bytes = nullptr;
    const long n = BIO_get_mem_data(to_peer_, &bytes);
    if (n <= 0) return;
    inner_->write({bytes, static_cast<std::size_t>(n)});
    BIO_reset(to_peer_);
  }

  void end(CloseReason reason) {
    if (is_over_) return;
    is_over_ = true;
    if (inner_) inner_->abort();
    handler_->on_closed(reason);
  }

  Loop& loop_;
  StreamHandler* handler_;
  StreamPtr inner_;
  SSL* session_;
  bool needs_http2_;
  BIO* from_peer_;
  BIO* to_peer_;
  std::vector<char> plain_;
  bool is_up_ = false;
  bool is_over_ = false;
  bool has_bytes_ = false;
};

}  // namespace

TlsContext::TlsContext(std::unique_ptr<TlsContextImpl> impl) : impl_(std::move(impl)) {}
TlsContext::TlsContext(TlsContext&&) noexcept = default;
TlsContext& TlsContext::operator=(TlsContext&&) noexcept = default;
TlsContext::~TlsContext() = default;

Result<TlsContext> TlsContext::create(const TlsOptions& options, std::string host) {
  SSL_CTX* context = SSL_CTX_new(TLS_client_method());
  auto impl = std::make_unique<TlsContextImpl>(context, std::move(host), options.offer);
  SSL_CTX_set_min_proto_version(context, wire_version(options.oldest));
  SSL_CTX_set_max_proto_version(context, wire_version(options.newest));
  SSL_CTX_set_mode(context, SSL_MODE_AUTO_RETRY | SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_verify(context, options.verify ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, nullptr);
  if (!options.ca_file.empty()) {
    if (SSL_CTX_load_verify_locations(context, options.ca_file.c_str(), nullptr) != 1) {
      ERR_clear_error();
      return input_error(format("cannot read certificates from '{}'", options.ca_file));
    }
  } else if (SSL_CTX_set_default_verify_paths(context) != 1) {
    ERR_clear_error();
  }
  offer_http(context, options.offer);
  if (auto status = load_own_certificate(context, options); !status) return status.error();
  return TlsContext(std::move(impl));
}

Result<TlsContext> TlsContext::create_server(const TlsOptions& options) {
  SSL_CTX* context = SSL_CTX_new(TLS_server_method());
  auto impl = std::make_unique<TlsContextImpl>(context, "", AlpnOffer::none);
  SSL_CTX_set_min_proto_version(context, wire_version(options.oldest));
  SSL_CTX_set_max_proto_version(context, wire_version(options.newest));
  SSL_CTX_set_mode(context, SSL_MODE_AUTO_RETRY | SSL_MODE_RELEASE_BUFFERS);
  if (auto status = load_own_certificate(context, options); !status) return status.error();
  return TlsContext(std::move(impl));
}

StreamHandler& TlsContext::accept(Loop& loop, StreamPtr inner, AcceptHandler& take) const {
  auto stream = std::make_unique<TlsStream>(loop, impl_->new_server_session(), false, nullptr);
  stream->attach(std::move(inner));
  TlsStream& outer = *stream;
  outer.attach(take.on_accept(StreamPtr(stream.release())));
  return outer;
}

StreamPtr TlsContext::connect(Loop& loop, const Dial& dial, StreamHandler& handler) const {
  auto stream = std::make_unique<TlsStream>(loop, impl_->new_session(),
                                            impl_->offer() == AlpnOffer::http2, &handler);
  stream->attach(dial(*stream));
  return StreamPtr(stream.release());
}

}  // namespace tacho
