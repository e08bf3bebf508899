"""Another box with this station's id is noticed, one's own past is not."""

from __future__ import annotations

from edge.guard.payload import StatusMessage
from edge.publish.twins import REMEMBER_S, TwinWatch


def status(boot, word="online"):
    return StatusMessage(
        station="yebes", status=word, boot_id=boot, issued_at="2026-06-14T21:45:00.000Z", simulated=False
    ).to_bytes()


def test_a_live_status_of_another_boot_is_a_twin_for_as_long_as_it_speaks():
    watch = TwinWatch("me")
    watch.receive(status("other-boot"), retained=False, arrived_mono_s=10.0)
    assert "other-bo" in watch.noticed(10.0)
    assert watch.noticed(10.0 + REMEMBER_S + 0.1) == ""


def test_ones_own_words_retained_copies_farewells_and_rubbish_are_no_twin():
    watch = TwinWatch("me")
    watch.receive(status("me"), retained=False, arrived_mono_s=1.0)
    watch.receive(status("before"), retained=True, arrived_mono_s=1.0)
    watch.receive(status("other", "offline"), retained=False, arrived_mono_s=1.0)
    watch.receive(b"{", retained=False, arrived_mono_s=1.0)
    assert watch.noticed(1.0) == ""
