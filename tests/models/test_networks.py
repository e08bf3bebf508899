"""Each network is the published one: its parameters are counted against the figures others print."""

import pytest

torch = pytest.importorskip("torch")

from models.networks.encoders import PlainEncoder  # noqa: E402
from models.networks.published import NETWORKS, build, gmac, parameters  # noqa: E402
from models.networks.unet import UNet  # noqa: E402


@pytest.fixture(autouse=True)
def without_computing():
    with torch.device("meta"):
        yield


@pytest.mark.parametrize(
    ("name", "figure"),
    [  # torchvision's totals less their classifiers
        ("unet-resnet18", 11_689_512 - 513_000),
        ("unet-resnet34", 21_797_672 - 513_000),
        ("unet-resnet50", 25_557_032 - 2_049_000),
        ("unet-vgg19", 143_667_240 - 123_642_856),
        ("unet-inception3", 23_834_568 - 2_049_000),  # without its auxiliary classifier
    ],
)
def test_encoders_have_the_parameters_of_the_published_weights(name, figure):
    assert parameters(build(name).encoder) == figure


@pytest.mark.parametrize(
    ("name", "figure"),
    [  # segmentation_models_pytorch 0.3, one class
        ("unet-resnet18", 14_328_209),
        ("unet-resnet34", 24_436_369),
        ("unet-resnet50", 32_521_105),
    ],
)
def test_u_nets_with_resnets_have_the_parameters_everybody_trains(name, figure):
    assert parameters(build(name)) == figure


def test_plain_u_nets_count_as_published():
    assert parameters(build("unet-64", inputs=1)) == 31_030_593  # the original with one mask
    assert parameters(build("unet-l4")) / 1e6 == pytest.approx(7.76, abs=0.005)  # Zhou et al. 2018, table 2
    assert parameters(build("unet++")) / 1e6 == pytest.approx(9.04, abs=0.005)  # the same table


def test_the_sixteen_to_thousand_u_net_counts_as_by_hand():
    widths = [16, 32, 64, 128, 256, 512, 1024]
    count, before = 0, 3
    for width in widths:
        count += (9 * before + 1) * width + (9 * width + 1) * width
        before = width
    for deeper, width in zip(widths[:0:-1], widths[-2::-1], strict=True):
        count += 4 * deeper * width + width + (9 * 2 * width + 1) * width + (9 * width + 1) * width
    net = build("unet")
    assert parameters(net) == count + 17
    assert {m.p for m in net.modules() if isinstance(m, torch.nn.Dropout2d)} == {0.3}


@pytest.mark.parametrize(
    ("name", "shape", "figure"),
    [
        ("unet-resnet50", (1, 3, 256, 256), 10.63),
        ("unet-resnet34", (1, 3, 256, 256), 7.81),
        ("unet-resnet18", (1, 3, 256, 256), 5.40),
    ],
)
def test_multiplications_of_one_patch(name, shape, figure):
    assert gmac(build(name).eval(), shape) == pytest.approx(figure, abs=0.005)


@pytest.mark.parametrize("name", NETWORKS)
def test_every_network_answers_on_the_grid_it_was_asked_on(name):
    net = build(name).eval()
    height, width = net.stride, 3 * net.stride
    assert net(torch.empty(2, 3, height, width)).shape == (2, 1, height, width)


def test_every_level_of_an_encoder_is_half_of_the_one_above():
    for name in NETWORKS:
        encoder = build(name).encoder.eval()
        levels = encoder(torch.empty(1, 3, 128, 128))
        for k, (feature, width) in enumerate(zip(levels, encoder.widths, strict=True)):
            assert (feature is None) == (width == 0)
            assert feature is None or feature.shape[1:] == (width, 128 >> k, 128 >> k)


def test_deep_supervision_answers_four_times_in_training_and_once_afterwards():
    net = build("unet++-deep")
    assert [a.shape for a in net.train()(torch.empty(1, 3, 32, 32))] == [(1, 1, 32, 32)] * 4
    assert net.eval()(torch.empty(1, 3, 32, 32)).shape == (1, 1, 32, 32)


def test_what_does_not_fit_is_refused_by_name():
    with pytest.raises(ValueError, match="unet-resnet50"):
        build("unet-resnet51")
    with pytest.raises(ValueError, match="needs 2 widths"):
        UNet(PlainEncoder(3, (8, 16, 32)), (8,))


def test_first_weights_are_he_normal():
    with torch.device("cpu"):
        torch.manual_seed(1)
        weight = build("unet-l4").encoder.levels[2][1][0].weight.detach()
    assert float(weight.std()) == pytest.approx((2 / (9 * weight.shape[1])) ** 0.5, rel=0.02)
