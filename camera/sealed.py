"""Small JSON files, checked before they are believed: of a known model, every field in range, the hash right."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import ClassVar, Self

from pydantic import BaseModel, ConfigDict, ValidationError

from camera.device import CameraError
from camera.whole import write_whole


class Sealed(BaseModel):
    """Values with the hash of their content. Make one with `sealed`, which fills it in."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    WHAT: ClassVar[str]  # what the file is called
    AGAIN: ClassVar[str]  # what to do about one that is refused
    REFUSED: ClassVar[type[CameraError]]

    model: str  # a literal with a default
    sha256: str = ""  # of everything else, canonical JSON

    @classmethod
    def sealed(cls, **fields: object) -> Self:
        """From its fields, with the hash of its content filled in."""
        one = cls.model_validate(fields)
        return one.model_copy(update={"sha256": one.content_sha256()})

    def content_sha256(self) -> str:
        content = self.model_dump(mode="json", exclude={"sha256"})
        return hashlib.sha256(json.dumps(content, sort_keys=True, separators=(",", ":")).encode()).hexdigest()

    def save(self, path: Path) -> None:
        """Whole or not at all. Raises OSError."""
        write_whole(path, (self.model_dump_json(indent=1) + "\n").encode())

    @classmethod
    def load(cls, path: Path) -> Self:
        """Raises REFUSED, in one sentence, for a file that is missing, damaged, altered or of an unknown model."""
        try:
            content = json.loads(path.read_bytes())
        except OSError as err:
            raise cls._refused(path, f"cannot be read ({err.strerror})") from err
        except (ValueError, RecursionError) as err:
            raise cls._refused(path, "is damaged (not JSON)") from err
        known, model = cls.model_fields["model"].default, content.get("model") if isinstance(content, dict) else None
        if model != known:
            raise cls._refused(path, f'is of model {model!r}, this version knows "{known}"')
        try:
            one = cls.model_validate(content)
        except ValidationError as err:
            first = err.errors()[0]
            field = ".".join(str(part) for part in first["loc"])
            raise cls._refused(path, f"is damaged ({field}: {first['msg']})") from err
        if one.sha256 != one.content_sha256():
            raise cls._refused(path, "does not match its own hash (altered or damaged)")
        return one

    @classmethod
    def _refused(cls, path: Path, why: str) -> CameraError:
        return cls.REFUSED(f"{cls.WHAT} {path} {why}: {cls.AGAIN}")
