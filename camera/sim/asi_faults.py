"""What may go wrong with the simulated camera, by name: what it does, what ends it, and how it spoils a picture."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.uint16]
Cure = Literal["reopen", "restart", "usb-reset", "power-cycle"]

FAULTS = {
    # the bus
    "removed": "the camera is unplugged; it comes back at another place on the bus",
    "no-camera": "no camera is on the bus",
    "permission": "the camera may not be opened",
    "stalls": "the USB link stalls: pictures come late, some are lost",
    "dropped": "every other picture is lost on the bus",
    # the library
    "old-library": "the library lacks a function",
    "timeout": "no picture comes",
    "wrong-buffer": "the library calls the buffer too small",
    "hang": "reading and stopping do not come back",
    "hang-read": "reading does not come back",
    "hang-stop": "no picture comes, and stopping does not come back",
    "hang-close": "no picture comes, and closing does not come back",
    "hang-open": "no picture comes, and opening again does not come back",
    "hang-init": "no picture comes, and setting up again does not come back",
    # the camera
    "warm": "the cooler does not cool",
    "frozen": "the same picture again and again",
    "half-written": "the lower half is still that of the picture before",
    "short": "the lower half is empty",
    "shifted": "rows are displaced from somewhere on",
    "black": "every pixel is zero",
    "white": "every pixel is saturated",
    # what it looks at: nothing the library knows of
    "knock": "the mount leans by 0.3 degrees",
    "cap": "the cap is on",
    # no picture comes until something is done about it
    "confused": "until the camera is reopened",
    "poisoned": "until a fresh process asks",
    "wedged": "until the USB device is reset",
    "unpowered": "until its USB port was without power",
}
GONE = frozenset({"removed", "no-camera"})
CURES: dict[str, Cure] = {
    "confused": "reopen", "poisoned": "restart", "wedged": "usb-reset", "unpowered": "power-cycle"
}  # fmt: skip
SILENT = frozenset({"timeout", "hang-stop", "hang-close", "hang-open", "hang-init", *CURES})
# A call hangs under its own fault; "hang" is what was seen in the field: reading and, five minutes long, stopping.
HANGS = {
    "open": {"hang-open"},
    "init": {"hang-init"},
    "read": {"hang", "hang-read"},
    "stop": {"hang", "hang-stop"},
    "close": {"hang-close"},
}


def spoilt(fault: str, picture: Picture, before: Picture | None, white: int) -> Picture:
    """What the library hands over in the place of `picture`."""
    middle = len(picture) // 2
    match fault:
        case "frozen" if before is not None:
            return before
        case "half-written" if before is not None:
            return np.concatenate((picture[:middle], before[middle:]))
        case "short":
            return np.concatenate((picture[:middle], np.zeros_like(picture[middle:])))
        case "shifted":
            flat = picture.reshape(-1).copy()
            flat[middle * picture.shape[1] :] = np.roll(flat[middle * picture.shape[1] :], 1021)
            return flat.reshape(picture.shape)
        case "black":
            return np.zeros_like(picture)
        case "white":
            return np.full_like(picture, white)
    return picture
