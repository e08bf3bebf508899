"""What the network reads: bounded, ordered, padded with sky."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from models.contract import STRIDE
from models.preprocess import ZERO, compress, network_input


def test_brighter_stays_brighter_over_the_whole_range_of_the_sky():
    sigma = np.linspace(-5.8, 490, 5000, dtype=np.float32)
    assert (np.diff(compress(sigma)) > 0).all()


def test_a_tenth_of_the_noise_survives_eight_bits():
    steps = np.round(compress(np.array([0.0, 0.13], np.float32)) * 255)
    assert steps[1] - steps[0] >= 1


def test_anything_becomes_a_number_between_nought_and_one():
    odd = np.array([-np.inf, np.inf, np.nan, -1e30, 1e30, 0.0], np.float32)
    result = compress(odd)
    assert ((result >= 0) & (result <= 1)).all()
    assert result[2] == 0
    assert result[5] == np.float32(ZERO)


@given(st.integers(1, 130), st.integers(1, 130))
def test_padding_reaches_the_next_stride_and_is_plain_sky(height: int, width: int):
    planes = np.ones((4, height, width), np.float32)
    padded = network_input(planes)
    assert padded.shape[:2] == (1, 4)
    assert padded.dtype == np.float32
    assert padded.shape[2] % STRIDE == padded.shape[3] % STRIDE == 0
    assert 0 <= padded.shape[2] - height < STRIDE
    assert (padded[0, :, :height, :width] == compress(planes)).all()
    assert (padded[0, :, height:] == np.float32(ZERO)).all()
    assert (padded[0, :, :, width:] == np.float32(ZERO)).all()
