"""Checks the configs for axolotl and LLaMA-Factory that README.md shows, with their own parsing code.

python -m scripts.check_trainers [--packages DIR]

Makes the demo's release, exports it as the two want it, gives each the config out of README.md and the demo's
tokenizer, and compares what it would train with the release's own tokens: ids and labels, dialogue by dialogue.
Prints one JSON object; exit 1 if a dialogue differs.

Run by hand, in an environment with the extras ``train``, ``privacy`` and ``demo``: it downloads both packages. They
pin other versions of torch, transformers and datasets than this package, so they are installed without their
dependencies into a folder of their own, with the few light ones that their parsing modules import; everything else
is this environment's. LLaMA-Factory's check of versions is switched off by the variable that it offers for this, and
torchaudio, which it imports at the top and whose wheels need CUDA, is an empty module here: only sound would call it.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import importlib.machinery
import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import pyarrow.parquet as pq
import yaml

__all__ = ["main"]

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
TRAINERS = {"axolotl": "axolotl==0.19.0", "llamafactory": "llamafactory==0.9.5"}
LIGHT = ["peft", "colorama", "addict", "omegaconf", "antlr4-python3-runtime==4.9.3", "einops"]
"""What their parsing modules import and this environment lacks."""
SPLIT = "train"


class Row(NamedTuple):
    """A dialogue as a trainer gets it."""

    input_ids: list[int]
    labels: list[int]


def main() -> int:
    """Install, make, export, parse, compare."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--packages", type=Path, help="where to install; kept [default: temporary]")
    options = parser.parse_args()
    os.environ.update(
        {"CUDA_VISIBLE_DEVICES": "", "DISABLE_VERSION_CHECK": "1", "HF_HUB_OFFLINE": "1"}
    )
    with tempfile.TemporaryDirectory(prefix="fedi_dataset-trainers-") as name:
        scratch = Path(name)
        packages = options.packages or scratch / "packages"
        with contextlib.redirect_stdout(sys.stderr):
            install(packages)
            release = demo(scratch / "release")
            configs = documented()
            found = {
                "axolotl": axolotl(release, configs["axolotl"], scratch),
                "llamafactory": llamafactory(release, configs["llamafactory"], scratch),
            }
            ours = tokens_of(release)
    results = {name: compared(ours, theirs) for name, theirs in found.items()}
    print(json.dumps(results))
    return 0 if all(one["rows"] == one["agree"] == len(ours) for one in results.values()) else 1


def install(folder: Path) -> None:
    """Install both, and what they import at once, where nothing else looks."""
    if not all((folder / name).is_dir() for name in TRAINERS):
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target"]
        subprocess.run([*command, str(folder), *TRAINERS.values(), *LIGHT], check=True)
    sys.path.append(str(folder))
    sound = ModuleType("torchaudio")
    sound.__spec__ = importlib.machinery.ModuleSpec("torchaudio", None)
    sys.modules.setdefault("torchaudio", sound)


def demo(out: Path) -> Path:
    """Make the demo's release, with tokens."""
    from fedi_dataset.demo import run_demo

    run_demo(out, tick=lambda *_: None)
    return out


def documented() -> dict[str, dict[str, Any]]:
    """Give the configs of README.md, by trainer."""
    fences = re.findall(r"^```yml\n(.*?)^```", README.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    configs: list[dict[str, Any]] = [yaml.safe_load(one) for one in fences]
    (for_axolotl,) = (one for one in configs if "datasets" in one)
    (for_factory,) = (one for one in configs if "dataset_dir" in one)
    return {"axolotl": for_axolotl, "llamafactory": for_factory}


def tokenizer() -> Any:
    """Load the demo's tokenizer with its template, as ``fedi-dataset demo`` does."""
    from fedi_dataset.demo import DEMO_TOKENIZER
    from fedi_dataset.samples import samples
    from fedi_dataset.tokens.tokenizer import load_tokenizer

    with samples() as shipped:
        return load_tokenizer(DEMO_TOKENIZER, shipped.chat_template).tokenizer


def axolotl(release: Path, config: dict[str, Any], scratch: Path) -> Iterator[tuple[str, Row]]:
    """Let axolotl read the messages: its schema checks the config, its strategy makes ids and labels."""
    from datasets import load_dataset

    from fedi_dataset import export

    folder = export(release, scratch / "for-axolotl", "messages").folder
    (given,) = config["datasets"]
    schema = importlib.import_module("axolotl.utils.schemas.datasets").SFTDataset(**given)
    wrapped = importlib.import_module("axolotl.datasets").TokenizedPromptDataset
    values = importlib.import_module("axolotl.utils.dict").DictDefault
    strategies = importlib.import_module("axolotl.prompt_strategies")
    about = values(schema.model_dump(exclude_none=True))
    settings = values({"sequence_len": 4096, "train_on_inputs": False, "datasets": [about]})
    strategy = strategies.load(given["type"], tokenizer(), settings, about)
    path = folder / Path(given["path"]).name
    rows = load_dataset(given["ds_type"], data_files=str(path), split="train")
    keys = [key for (key,) in rows["dialogue_keys"]]
    parsed = wrapped(strategy, rows, process_count=1)
    return zip(keys, map(row_of, parsed), strict=True)


def llamafactory(release: Path, config: dict[str, Any], scratch: Path) -> Iterator[tuple[str, Row]]:
    """Let LLaMA-Factory read the export's dataset_info.json and rows; its processor makes ids and labels."""
    from fedi_dataset import export

    folder = export(release, scratch / "for-llama-factory", "sharegpt").folder
    loader = importlib.import_module("llamafactory.data.loader")
    arguments = importlib.import_module("llamafactory.hparams")
    templates = importlib.import_module("llamafactory.data.template")
    data = arguments.DataArguments(
        **{**config, "dataset_dir": str(folder)},
        template="deepseek3",  # of the demo's tokenizer
        cutoff_len=4096,
    )
    training = arguments.TrainingArguments(output_dir=str(scratch / "unused"), use_cpu=True)
    loaded = tokenizer()
    merged = loader._get_merged_dataset(
        data.dataset, arguments.ModelArguments("unused"), data, training, "sft"
    )
    lines = (folder / f"{SPLIT}.jsonl").read_text("utf-8").splitlines()
    keys = [json.loads(line)["dialogue_key"] for line in lines]
    template = templates.get_template_and_fix_tokenizer(loaded, data)
    parsed = loader._get_preprocessed_dataset(merged, data, training, "sft", template, loaded)
    return zip(keys, map(row_of, parsed), strict=True)


def row_of(parsed: dict[str, Any]) -> Row:
    """Take ids and labels of a trainer's row."""
    return Row(list(parsed["input_ids"]), list(parsed["labels"]))


def tokens_of(release: Path) -> dict[str, Row]:
    """Give the release's own tokens by dialogue."""
    return {
        row["dialogue_key"]: row_of(row)
        for path in sorted((release / "tokens").glob(f"{SPLIT}-*.parquet"))
        for row in pq.read_table(path).to_pylist()
    }


def compared(ours: dict[str, Row], theirs: Iterator[tuple[str, Row]]) -> dict[str, int]:
    """Count dialogues whose ids and labels are ours, and the ids that are trained."""
    found = dict(theirs)
    return {
        "rows": len(found),
        "agree": sum(ours.get(key) == row for key, row in found.items()),
        "same_ids": sum(
            key in ours and ours[key].input_ids == row.input_ids for key, row in found.items()
        ),
        "trained": sum(label != -100 for row in found.values() for label in row.labels),
        "trained_by_us": sum(label != -100 for row in ours.values() for label in row.labels),
    }


if __name__ == "__main__":
    sys.exit(main())
