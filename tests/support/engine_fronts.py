"""Things that stand where an engine should: one that answers nothing, one that speaks from a script, and mutual TLS in
front of the real one."""

from __future__ import annotations

import contextlib
import datetime
import ipaddress
import json
import socket
import ssl
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from asci_api.engine.clients import TlsFiles


@contextlib.contextmanager
def silent_server() -> Iterator[str]:
    """The URL of a server that accepts connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0), backlog=50) as server:
        yield f"tcp://127.0.0.1:{server.getsockname()[1]}"


@dataclass(frozen=True)
class Answer:
    """What the scripted engine says to a path: JSON, or lines of JSON."""

    body: Any
    status: int = 200
    lines: bool = False


@contextlib.contextmanager
def scripted_engine(script: Mapping[str, Answer]) -> Iterator[tuple[str, list[str]]]:
    """An HTTP server with an answer for each path (without ``/v1.xx``), its URL, and the paths that were asked."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            asked.append(self.path)
            path = urlsplit(self.path).path
            answer = script.get("/" + path.split("/", 2)[2] if path.startswith("/v1.") else path)
            answer = answer or Answer({"message": "page not found"}, 404)
            content = [json.dumps(line).encode() + b"\r\n" for line in (answer.body if answer.lines else [answer.body])]
            self.send_response(answer.status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Transfer-Encoding", "chunked")
            self.send_header("Connection", "close")
            self.end_headers()
            for line in [*content, b""]:
                self.wfile.write(b"%x\r\n%s\r\n" % (len(line), line))

        do_POST = do_GET  # noqa: N815  the server's name for it

        def log_message(self, *_: object) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"tcp://127.0.0.1:{server.server_port}", asked
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class TlsFront:
    """Mutual TLS before a Unix socket, as a remote engine has it. Use as a context manager; ``url`` and ``files`` are
    what a client needs, ``strangers`` an identity of another authority."""

    def __init__(self, folder: Path, target: str) -> None:
        authority = _Authority("engines")
        server, self.files = authority.identity(folder, "node"), authority.identity(folder, "controller")
        self.strangers = _Authority("strangers").identity(folder, "stranger", believes=self.files.authority)
        self._target = target
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(server.certificate, server.key)
        self._context.load_verify_locations(server.authority)
        self._context.verify_mode = ssl.CERT_REQUIRED
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=50)
        self.url = f"tcp://127.0.0.1:{self._listener.getsockname()[1]}"
        self._threads = [threading.Thread(target=self._accept, daemon=True)]

    def __enter__(self) -> TlsFront:
        self._threads[0].start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join(5)

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            thread = threading.Thread(target=self._serve, args=(connection,), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _serve(self, connection: socket.socket) -> None:
        with (
            connection,
            contextlib.suppress(OSError),
            self._context.wrap_socket(connection, server_side=True) as client,
            socket.socket(socket.AF_UNIX) as engine,
        ):
            engine.connect(self._target)
            back = threading.Thread(target=_copy, args=(engine, client), daemon=True)
            back.start()
            _copy(client, engine)
            back.join(5)


def _copy(source: socket.socket, target: socket.socket) -> None:
    """Until the end, then end the other side altogether."""
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
    for end in (source, target):
        with contextlib.suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)


class _Authority:
    """A certificate authority for one test."""

    def __init__(self, name: str) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        basic = x509.BasicConstraints(ca=True, path_length=0)
        usage = x509.KeyUsage(
            digital_signature=True, key_cert_sign=True, crl_sign=True, content_commitment=False, key_encipherment=False,
            data_encipherment=False, key_agreement=False, encipher_only=False, decipher_only=False,
        )  # fmt: skip
        builder = self._builder(self._name, self._key.public_key())
        self.certificate = (
            builder.add_extension(basic, critical=True)
            .add_extension(usage, critical=True)
            .sign(self._key, hashes.SHA256())
        )

    def identity(self, folder: Path, name: str, believes: Path | None = None) -> TlsFiles:
        """A certificate for 127.0.0.1 and its key, as files."""
        key = ec.generate_private_key(ec.SECP256R1())
        address = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
        uses = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH])
        authority = x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key())
        builder = self._builder(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]), key.public_key())
        for extension in (address, uses, authority):
            builder = builder.add_extension(extension, critical=False)
        certificate = builder.sign(self._key, hashes.SHA256())
        files = TlsFiles(believes or folder / f"{name}-ca.pem", folder / f"{name}.pem", folder / f"{name}.key")
        if believes is None:
            files.authority.write_bytes(self.certificate.public_bytes(serialization.Encoding.PEM))
        files.certificate.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        files.key.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        files.key.chmod(0o600)
        return files

    def _builder(self, subject: x509.Name, key: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
        now = datetime.datetime.now(datetime.UTC)
        builder = x509.CertificateBuilder().subject_name(subject).issuer_name(self._name).public_key(key)
        builder = builder.serial_number(x509.random_serial_number())
        builder = builder.not_valid_before(now - datetime.timedelta(minutes=5))
        builder = builder.not_valid_after(now + datetime.timedelta(hours=2))
        return builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
