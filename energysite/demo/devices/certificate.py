"""The certificate that a device on the wall made for itself, with its key. Run as a program it writes one:

    python -m energysite.demo.devices.certificate FILE

In a process that ends, because cryptography takes 15 MB that the demo house need not keep.
"""

import datetime
import os
import subprocess
import sys
from pathlib import Path

GOOD_FOR_DAYS = 3650


def certificate(folder: Path) -> Path:
    """The PEM file in this folder, made when there is none. Raises OSError, CalledProcessError."""
    path = folder / "sma-device.pem"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        subprocess.run([sys.executable, "-m", __name__, str(path)], check=True)
    return path


def write(path: Path) -> None:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "SMA3012450117"), x509.NameAttribute(x509.NameOID.COUNTRY_NAME, "DE")])
    now = datetime.datetime.now(datetime.UTC)
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=GOOD_FOR_DAYS))
        .sign(key, hashes.SHA256())
    )
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    fresh = path.with_suffix(f".{os.getpid()}")
    fresh.touch(0o600)
    fresh.write_bytes(key.private_bytes(*form) + signed.public_bytes(serialization.Encoding.PEM))
    fresh.replace(path)


if __name__ == "__main__":
    write(Path(sys.argv[1]))
