"""Steps whose products and sums are exact in float32."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from models.int8_steps import SATURATES, WEIGHT_BITS, few_bits, power_of_two

STEPS = st.floats(1e-6, 1e3)


@given(STEPS)
def test_a_step_is_the_next_power_of_two(step):
    got = float(power_of_two(step))
    assert np.frexp(got)[0] == 0.5
    assert step * 2**-SATURATES <= got * (1 + 1e-6)
    assert got < 2 * step


@given(STEPS)
def test_the_step_of_a_weight_has_few_bits_and_is_hardly_larger(step):
    (got,) = few_bits(np.array([step])).astype(float)
    mantissa = np.frexp(got)[0] * 2**WEIGHT_BITS
    assert mantissa == round(mantissa)
    assert step * (1 - 1e-6) <= got < step * (1 + 2 ** (1 - WEIGHT_BITS))


@given(STEPS, st.lists(st.tuples(st.integers(0, 255), st.integers(-127, 127)), min_size=1, max_size=300))
def test_floats_add_to_what_whole_numbers_add_to(step, terms):
    (weight,) = few_bits(np.array([step]))
    total = np.float32(0)
    for byte, stored in terms:
        total = np.float32(total + np.float32(byte * power_of_two(1 / 255)) * np.float32(stored * weight))
    exact = sum(byte * stored for byte, stored in terms)
    if max(abs(sum(b * s for b, s in terms[:k])) for k in range(1, len(terms) + 1)) < 2 ** (24 - WEIGHT_BITS):
        assert total == np.float32(exact) * weight * power_of_two(1 / 255)
