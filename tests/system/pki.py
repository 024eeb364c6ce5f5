"""An authority of the tests' own, and certificates of every sort: good, expired, early, revoked.

Names come as the registry holds them (RFC 2253). Keys are made for this run and lie under build/.
"""

import datetime
import ipaddress
import os

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

ORGANISATION = "Tests of tocsin"
DAY = datetime.timedelta(days=1)


def name_of(common_name):
    return x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, ORGANISATION),
                      x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def text_of(common_name):
    """The name as RFC 2253 spells it, which is how the registry knows a certificate."""
    return f"CN={common_name},O={ORGANISATION}"


def write(path, data):
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(data)


def pem(key):
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                             serialization.NoEncryption())


class Identity:
    """A certificate and its key, in files."""

    def __init__(self, folder, name, serial):
        self.name = name
        self.serial = serial
        self.certificate = folder / f"{name}.pem"
        self.key = folder / f"{name}.key"


class Authority:
    """Issues certificates into `folder`, and lists those that it revoked."""

    def __init__(self, folder, common_name="Authority of the tests"):
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.common_name = common_name
        self.issuer = text_of(common_name)
        self.file = folder / "ca.pem"
        self.now = datetime.datetime.utcnow()
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._lists = 0
        certificate = (self._builder(common_name, self._key, self.now - 400 * DAY, self.now + 400 * DAY)
                       .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
                       .sign(self._key, hashes.SHA256()))
        write(self.file, certificate.public_bytes(serialization.Encoding.PEM))

    def _builder(self, common_name, key, begins, ends):
        return (x509.CertificateBuilder()
                .subject_name(name_of(common_name)).issuer_name(name_of(self.common_name))
                .public_key(key.public_key()).serial_number(x509.random_serial_number())
                .not_valid_before(begins).not_valid_after(ends))

    def issue(self, common_name, begins=-1, ends=30, file=None):
        """A certificate from `begins` to `ends`, in days from now. `file`: where one of that name
        is there already."""
        key = ec.generate_private_key(ec.SECP256R1())
        loopback = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
        certificate = (self._builder(common_name, key, self.now + begins * DAY, self.now + ends * DAY)
                       .add_extension(loopback, critical=False)
                       .sign(self._key, hashes.SHA256()))
        identity = Identity(self.folder, file or common_name, certificate.serial_number)
        write(identity.key, pem(key))
        write(identity.certificate, certificate.public_bytes(serialization.Encoding.PEM))
        return identity

    def revoke(self, *identities, ends=30):
        """A list (CRL) of these, good for `ends` days; returns its file."""
        builder = (x509.CertificateRevocationListBuilder()
                   .issuer_name(name_of(self.common_name))
                   .last_update(self.now - DAY).next_update(self.now + ends * DAY))
        for identity in identities:
            builder = builder.add_revoked_certificate(
                x509.RevokedCertificateBuilder().serial_number(identity.serial)
                .revocation_date(self.now - DAY).build())
        self._lists += 1
        file = self.folder / f"revoked-{self._lists}.pem"
        write(file, builder.sign(self._key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
        return file
