"""Certificates for a PBX that speaks TLS."""

from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
import ssl

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

LOOPBACK = "127.0.0.1"


def self_signed_context(folder: Path, address: str = LOOPBACK) -> ssl.SSLContext:
    """Return a server's TLS with a certificate of its own making."""
    return Authority(address).own_context(folder)


class Authority:
    """Makes certificates; nobody trusts it who is not told to.

    Attributes:
        pem: its own certificate, for those who are to trust it.
    """

    def __init__(self, address: str = LOOPBACK) -> None:
        """Make the key and the certificate, which is good for an address as well."""
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _name("authority")
        self._certificate = self._sign(self._key, self._name, address, days=1)
        self.pem = _pem(self._certificate)

    def own_context(self, folder: Path) -> ssl.SSLContext:
        """Return a server's TLS with the certificate of the authority itself."""
        return _context(folder, self._key, self._certificate)

    def context(
        self, folder: Path, *, address: str = LOOPBACK, days: int = 1
    ) -> ssl.SSLContext:
        """Return a server's TLS with a certificate that is signed.

        Args:
            folder: for its file.
            address: which the certificate is for.
            days: after which it expires; it was made ten days ago.
        """
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = self._sign(key, _name(address), address, days=days)
        return _context(folder, key, certificate)

    def _sign(
        self,
        key: ec.EllipticCurvePrivateKey,
        subject: x509.Name,
        address: str,
        *,
        days: int,
    ) -> x509.Certificate:
        now = datetime.now(UTC)
        names = x509.SubjectAlternativeName([x509.IPAddress(ip_address(address))])
        is_authority = key is self._key
        identifier = x509.SubjectKeyIdentifier.from_public_key
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=10))
            .not_valid_after(now + timedelta(days=days))
            .add_extension(names, critical=False)
            .add_extension(
                x509.BasicConstraints(ca=is_authority, path_length=None), critical=True
            )
            .add_extension(_usage(signs=is_authority), critical=True)
            .add_extension(identifier(key.public_key()), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(
                    self._key.public_key()
                ),
                critical=False,
            )
            .sign(self._key, hashes.SHA256())
        )


def _name(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _usage(*, signs: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        key_cert_sign=signs,
        crl_sign=signs,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


def _context(
    folder: Path, key: ec.EllipticCurvePrivateKey, certificate: x509.Certificate
) -> ssl.SSLContext:
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    path = folder / "server.pem"
    path.write_bytes(private + _pem(certificate).encode())
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    return context
