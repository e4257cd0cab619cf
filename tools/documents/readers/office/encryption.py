"""Encrypted Office files: an OLE container with the encrypted package."""

from __future__ import annotations

import contextlib
import logging
import mmap
import tempfile
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from tools.documents.base import LOCKED, WRONG, DocumentError, PasswordNeeded
from tools.documents.readers.safe_zip import DAMAGED

log = logging.getLogger(__name__)

OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
UNKNOWN_ENCRYPTION = "The file is locked in a way that can't be opened here."

_PACKAGE = "EncryptedPackage".encode("utf-16-le")  # a stream's name, as the container has it
# Of write-protected files, which everybody may read (MS-XLS 2.4.116).
_EXCEL_DEFAULT_PASSWORD = "VelvetSweatshop"


@contextlib.contextmanager
def opened(path: Path, password: str | None) -> Iterator[Path]:
    """The path of the decrypted file while the context is open; of the file itself if it is not
    encrypted.

    The decrypted content is in an unnamed temporary file, which nobody else can open and which
    is deleted with the process. Raises `PasswordNeeded`, `DocumentError`.
    """
    if not _is_encrypted(path):
        yield path
        return
    with tempfile.TemporaryFile() as plain:
        _decrypt(path, password, plain)
        plain.seek(0)
        yield Path(f"/dev/fd/{plain.fileno()}")


def _is_encrypted(path: Path) -> bool:
    with path.open("rb") as file:
        if file.read(len(OLE)) != OLE:
            return False
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            return data.find(_PACKAGE) >= 0


def _decrypt(path: Path, password: str | None, plain: IO[bytes]) -> None:
    from msoffcrypto.exceptions import DecryptionError, FileFormatError, InvalidKeyError
    from msoffcrypto.format.ooxml import OOXMLFile

    try:
        with path.open("rb") as file:
            locked = OOXMLFile(file)
            for secret in _passwords(password):
                plain.seek(0)
                plain.truncate()
                locked.load_key(password=secret)
                with contextlib.suppress(InvalidKeyError):
                    locked.decrypt(plain)  # msoffcrypto checks that the result is a zip file
                    return
    except (MemoryError, RecursionError):
        raise
    except (DecryptionError, FileFormatError) as error:
        raise DocumentError(UNKNOWN_ENCRYPTION) from error
    except Exception as error:
        log.info("a locked file could not be opened", exc_info=True)
        raise DocumentError(DAMAGED) from error
    raise PasswordNeeded(WRONG if password else LOCKED)


def _passwords(password: str | None) -> Iterator[str]:
    """The password in the Unicode normal forms in which it may have been set."""
    typed: tuple[str, ...] = (_EXCEL_DEFAULT_PASSWORD,)
    if password:
        forms = (unicodedata.normalize(form, password) for form in ("NFC", "NFD", "NFKC"))
        typed = (password, *forms)
    for secret in dict.fromkeys(typed):
        with contextlib.suppress(UnicodeEncodeError):
            secret.encode("utf-16-le")
            yield secret
