from edge.adsb.noisewatch import DAY_S, NoiseWatch


def warnings(watch, levels, start_s=0.0):
    """(noise, gain) of each second -> what is said in each."""
    return [watch.take(start_s + second, noise, gain) for second, (noise, gain) in enumerate(levels)]


def test_a_jammer_is_told_though_the_gain_gives_way_to_it():
    said = warnings(NoiseWatch(), [(-29.0, 38.6)] * 300 + [(-27.0, 8.7)] * 200)
    assert not any(said[:300])
    assert "32 dB above" in said[-1]
    assert "8.7" in said[-1]


def test_gain_alone_and_a_loud_moment_say_nothing():
    assert not any(warnings(NoiseWatch(), [(-29.0, 38.6)] * 200 + [(-37.4, 29.7)] * 200))
    assert not any(warnings(NoiseWatch(), [(-29.0, 38.6)] * 200 + [(-45.0, 0.0)] * 200))  # the converter's own noise
    assert not any(warnings(NoiseWatch(), ([(-29.0, 38.6)] * 50 + [(-5.0, 38.6)] * 10) * 10))


def test_what_lasts_a_day_is_the_new_normal_and_what_ends_is_forgotten_at_once():
    watch = NoiseWatch()
    assert warnings(watch, [(-29.0, 30.0)] * 200 + [(-9.0, 30.0)] * 200)[-1]
    assert not warnings(watch, [(-29.0, 30.0)] * 200, 400.0)[-1]
    assert warnings(watch, [(-9.0, 30.0)] * 200, 600.0)[-1]
    for hour in range(25):
        last = warnings(watch, [(-9.0, 30.0)] * 130, 800.0 + hour * DAY_S / 24)
    assert not last[-1]


def test_a_source_without_gain_or_noise_is_not_compared():
    assert not any(warnings(NoiseWatch(), [(None, None)] * 100 + [(-20.0, None)] * 100))
