"""Everything that makes and runs the network.

What the box imports, without torch:
contract.py      what goes in and what comes out: the page training, engines and box agree on
preprocess.py    planes in units of the noise -> what the network reads
tiles.py         planes larger than an engine's buffers
postprocess.py   logits -> trails in stored pixels
lines.py         pixels of trail as lines
engine_onnx.py   ONNX Runtime, or a refusal that says why
engine_openvino.py  OpenVINO, optional and proven
engine_tensorrt.py  TensorRT on a GPU, built once per machine
engine_file.py   built engines on disk
engines.py       which of them runs
parity.py        do two engines answer alike
detect.py        frame -> trails, the whole way
detectors.py     a network or a published run, by its file
score.py         the one trail score
metrics.py       confusion matrices of pixels, per class and per image
zoo/             the trained INT8 files and their card

What makes it:
architectures.py the field network and its kind, by name
networks/        the published networks, and what all are built from
synth.py         invented trails and skies
landscape.py     what stands before them
labels.py        what people drew on photographs
lineoflight.py   the light in a polygon that says where some may be
own.py           a station's own nights, labelled by transponders
importers/       what others labelled, and its card
augment.py       changes to an image and its mask together
nights.py        invented nights: crowded, of plain traffic, with weather
inject.py        simulated trails on real skies
rendered.py      frames of simulated nights with their truth
dataset.py       training patches from all of them
cache.py         what is prepared once
sources.py       where its pictures come from
losses.py        what the field network minimises
teacher.py       a trained network to learn from: its mean over positions of the picture
pixel_losses.py  what the published ones minimise, by name
checkpoints.py   what it leaves and goes on from
train.py         the training loop of the field network
presets/         the published recipes, one file each
preset.py        a recipe, checked
train_patches.py the training loop of the published networks
patch_runs.py    what that leaves in its folder
ranks.py         one process or several
sweep.py         learning rate against batch
patch_method.py  the published method, whole: frame to trails
patch_export.py  its network as ONNX, float and INT8
average.py       several trainings as one network
export.py        weights -> float ONNX, proven equal
int8_plan.py     which tensors become bytes
int8_equalise.py channels that fill their bytes
int8_steps.py    steps with which every runtime finds the same bytes
quantize.py      float ONNX -> INT8 for TensorRT and for the CPU
lint.py          what TensorRT would refuse
score_fit.py     the odds that a detection is real, observed
evaluate.py      recall and false trails on labelled pictures
tables.py        tables as text and Markdown, and the files of a report
study.py         the published study's percentages, on rendered traffic
compare.py       what one network loses against another
cutouts.py       pieces of frames around trails
trail_reports.py what evaluate and study leave: Markdown, JSON and pictures
reports.py       the same of a training
plots.py         their pictures
cli_engines.py   skyspotter models build-engine | compare
cli_shared.py    options, consoles and refusals of all commands
cli_measure.py   skyspotter models evaluate | study | report
cli_published.py skyspotter models import | nights | presets | fit | sweep
cli.py           skyspotter models train | average | quantise | fit-score | detect
"""
