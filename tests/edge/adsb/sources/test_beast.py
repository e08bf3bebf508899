from hypothesis import given
from hypothesis import strategies as st

from edge.adsb.frames import AddressBook
from edge.adsb.sources.beast import BeastParser

FRAME = st.one_of(st.binary(min_size=7, max_size=7), st.binary(min_size=14, max_size=14))
FRAMES = st.lists(st.tuples(st.integers(0, 2**48 - 1), st.integers(1, 255), FRAME), max_size=8)


def beast(ticks: int, level: int, data: bytes) -> bytes:
    body = ticks.to_bytes(6, "big") + bytes([level]) + data
    return b"\x1a" + (b"2" if len(data) == 7 else b"3") + body.replace(b"\x1a", b"\x1a\x1a")


@given(FRAMES, st.integers(1, 40))
def test_messages_come_back_whatever_the_pieces_they_arrive_in(messages, step):
    stream = b"".join(beast(*message) for message in messages)
    parser = BeastParser()
    got = [frame for i in range(0, len(stream), step) for frame in parser.feed(stream[i : i + step])]
    assert [(frame.sample, frame.data) for frame in got] == [(ticks / 5, data) for ticks, _, data in messages]
    assert parser.counters.skipped_bytes == 0


@given(st.binary(max_size=2000))
def test_garbage_neither_raises_nor_is_believed_nor_is_kept(data):
    parser, addresses = BeastParser(), AddressBook()
    for frame in parser.feed(data):
        addresses.judge(frame)
    assert len(parser._body) < 21
    assert not addresses.known


@given(st.binary(max_size=60).filter(lambda b: b"\x1a" not in b))
def test_after_garbage_it_finds_the_next_message(garbage):
    parser = BeastParser()
    good = beast(5, 200, bytes.fromhex("8D406B902015A678D4D220AA4BDA"))
    assert len(parser.feed(garbage + good)) == 1
    assert parser.counters.skipped_bytes == len(garbage)
