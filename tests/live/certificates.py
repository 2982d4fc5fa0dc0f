"""Certificates for the tests of TLS, made by the openssl program as they are needed."""

import shutil
import ssl
import subprocess

from harness import Skip, new_folder


def _openssl(*words):
    if not shutil.which("openssl"):
        raise Skip("there is no openssl program to make a certificate with")
    subprocess.run(["openssl", *map(str, words)], check=True, capture_output=True,
                   stdin=subprocess.DEVNULL)


def self_made(name="tacho test", kind="rsa:2048"):
    """A certificate for 127.0.0.1 and localhost that vouches for itself, and its key, as files."""
    folder = new_folder("tls")
    curve = ("-pkeyopt", "ec_paramgen_curve:P-256") if kind == "ec" else ()
    _openssl("req", "-x509", "-newkey", kind, *curve, "-nodes", "-days", "2", "-subj",
             f"/CN={name}", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1,IP:::1",
             "-keyout", folder / "key.pem", "-out", folder / "cert.pem")
    return folder / "cert.pem", folder / "key.pem"


def locked(key, password):
    """The same key, in a file that needs the password."""
    path = key.with_name(f"locked-{key.name}")
    _openssl("pkey", "-in", key, "-aes256", "-passout", f"pass:{password}", "-out", path)
    return path


def combined(cert, key):
    """Both in one file."""
    path = cert.with_name("both.pem")
    path.write_text(cert.read_text() + key.read_text())
    return path


def server_context(cert, key, clients=None, newest=None, oldest=None):
    """What a server needs; with `clients`, it asks for a certificate that this file vouches for."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    if clients:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(clients)
    if newest:
        context.maximum_version = newest
    if oldest:
        context.minimum_version = oldest
    return context
