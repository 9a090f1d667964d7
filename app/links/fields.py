"""Fields of the short-lived tokens, one spelling each: numbers as shortest varints, texts and bytes behind their length."""

from __future__ import annotations

from app.links.errors import LinkError

_LARGEST = (1 << 64) - 1


class FieldWriter:
    """Collects fields in order. ``claims_invalid`` for a value that its field cannot hold."""

    def __init__(self, form: int) -> None:
        self._bytes = bytearray((form,))

    def number(self, value: int) -> FieldWriter:
        if not 0 <= value <= _LARGEST:
            raise LinkError("claims_invalid", "a number from 0 to 2^64 - 1", field="number")
        while value > 127:
            self._bytes.append(value & 127 | 128)
            value >>= 7
        self._bytes.append(value)
        return self

    def blob(self, value: bytes) -> FieldWriter:
        self.number(len(value))
        self._bytes += value
        return self

    def text(self, value: str, longest: int = 64) -> FieldWriter:
        raw = value.encode(errors="replace")
        if len(raw) > longest:
            raise LinkError("claims_invalid", f"at most {longest} bytes of text", field="text")
        return self.blob(raw)

    def done(self) -> bytes:
        return bytes(self._bytes)


class FieldReader:
    """Reads fields in order; ``ValueError`` for every spelling that ``FieldWriter`` does not write."""

    def __init__(self, raw: bytes, form: int) -> None:
        if raw[:1] != bytes((form,)):
            raise ValueError("another form")
        self._bytes, self._at = raw, 1

    def number(self) -> int:
        value = shift = 0
        while True:
            if self._at >= len(self._bytes):
                raise ValueError("cut short")
            byte = self._bytes[self._at]
            self._at += 1
            value |= (byte & 127) << shift
            if byte < 128:
                break
            shift += 7
        if value > _LARGEST or (shift and not byte):
            raise ValueError("not the shortest spelling, or too large")
        return value

    def blob(self) -> bytes:
        size = self.number()
        end = self._at + size
        if end > len(self._bytes):
            raise ValueError("cut short")
        found, self._at = self._bytes[self._at : end], end
        return found

    def text(self) -> str:
        return self.blob().decode()

    def end(self) -> None:
        if self._at != len(self._bytes):
            raise ValueError("bytes too many")
