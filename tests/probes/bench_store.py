"""What the store costs: writing beside a model that captures, reading against the bare files.

    python tests/probes/bench_store.py [--items N] [--layers N] [--width N]

The store lies under runs/, which git ignores, and is removed afterwards. Ratios count, times do
not: what is compared runs in turns in one process.
"""

import argparse
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import (
    CLIPImageProcessorPil,
    CLIPVisionConfig,
    LlamaConfig,
    LlavaConfig,
    LlavaForConditionalGeneration,
    LlavaProcessor,
    PreTrainedTokenizerFast,
)

from probes import VLM
from probes.residuals.capture import capture_to_store, store_spec
from probes.residuals.passes import Pass
from probes.residuals.shards import CaptureJob, capture_shards
from probes.residuals.spec import StoreSpec, digest_of
from probes.residuals.store import ResidualStore

FOLDER = Path(__file__).parents[2] / "runs" / "bench-store"
IMAGE_SIZE, PATCH_SIZE = 112, 14
N_PASSES, BATCH, SHARD, ROUNDS = 48, 8, 16, 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """Of the store that is read."""

    items: int
    layers: int
    width: int

    @property
    def n_bytes(self) -> int:
        return self.items * self.layers * self.width * 2


def seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def random_llava() -> VLM:
    """About 130 million parameters: a twelve-layer decoder 768 wide, 64 image tokens."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens(["<pad>", "<s>", "</s>", "<image>"])
    tokenizer.add_tokens(sorted(pre_tokenizers.ByteLevel.alphabet()))
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token="<pad>",
        bos_token="<s>",
        eos_token="</s>",
        extra_special_tokens={"image_token": "<image>"},
    )
    torch.manual_seed(0)
    config = LlavaConfig(
        vision_config=CLIPVisionConfig(
            hidden_size=512, intermediate_size=2048, num_hidden_layers=6, num_attention_heads=8,
            image_size=IMAGE_SIZE, patch_size=PATCH_SIZE,
        ),
        text_config=LlamaConfig(
            vocab_size=8192, hidden_size=768, intermediate_size=2304, num_hidden_layers=12,
            num_attention_heads=12, num_key_value_heads=12,
        ),
        image_token_index=3,
        image_seq_length=(IMAGE_SIZE // PATCH_SIZE) ** 2,
    )  # fmt: skip
    processor = LlavaProcessor(
        image_processor=CLIPImageProcessorPil(
            size={"height": IMAGE_SIZE, "width": IMAGE_SIZE}, do_center_crop=False
        ),
        tokenizer=fast,
        patch_size=PATCH_SIZE,
        vision_feature_select_strategy="default",
        num_additional_image_tokens=1,
    )
    model = LlavaForConditionalGeneration(config)
    return VLM(model=model, processor=processor, name="random", revision="none")


def writing() -> None:
    """Capture into a store against capture alone, in turns."""
    vlm = random_llava()
    pixels = np.random.default_rng(0).integers(0, 256, (IMAGE_SIZE, IMAGE_SIZE, 3), dtype=np.uint8)
    picture = Image.fromarray(pixels)
    passes: list[Pass] = [(str(k), "image", "Color?" * (1 + k % 3)) for k in range(N_PASSES)]
    spec = store_spec(vlm, passes, study_hash="bench", shard_size=SHARD, batch_size=BATCH)
    job = CaptureJob(passes=passes, open_image=lambda _: picture, batch_size=BATCH)
    shards = [range(start, start + SHARD) for start in range(0, N_PASSES, SHARD)]
    stored = torch.zeros(SHARD, vlm.n_layers + 1, vlm.d_model)

    def new_store() -> ResidualStore:
        shutil.rmtree(FOLDER, ignore_errors=True)
        return ResidualStore.open_or_create(FOLDER, spec, [name for name, *_ in passes])

    def alone() -> None:
        for _ in capture_shards(vlm, job, shards):
            pass

    def write_only() -> None:
        store = new_store()
        for shard in store.missing_shards():
            store.write_shard(shard, stored)

    alone()
    rounds = [
        (
            seconds(alone),
            seconds(lambda: capture_to_store(vlm, passes, lambda _: picture, new_store())),
            seconds(write_only),
        )
        for _ in range(ROUNDS)
    ]
    bare_s, whole_s, write_s = map(min, zip(*rounds, strict=True))
    n_millions = vlm.model.num_parameters() / 1e6
    print(f"random LLaVA, {n_millions:.0f} M parameters, float32, {N_PASSES / bare_s:.1f} items/s")
    print(f"writing by itself: {write_s / bare_s:.1%} of the capture (under 5% wanted)")
    print(f"capture into a store: {whole_s / bare_s - 1:+.1%} against capture alone")


def fill(sizes: Sizes) -> ResidualStore:
    """A store of random numbers: the same ones in every shard, which costs no less to read."""
    shutil.rmtree(FOLDER, ignore_errors=True)
    ids = [str(number) for number in range(sizes.items)]
    spec = StoreSpec(
        study_hash="bench", model="none", revision="none", dtype="bfloat16",
        n_layers=sizes.layers - 1, d_model=sizes.width, n_rows=sizes.items,
        row_ids_sha256=digest_of(ids),
    )  # fmt: skip
    store = ResidualStore.open_or_create(FOLDER, spec, ids)
    residuals = torch.randn(spec.shard_size, sizes.layers, sizes.width).bfloat16()
    took = seconds(
        lambda: [
            store.write_shard(shard, residuals[: len(store.rows_of(shard))])
            for shard in store.missing_shards()
        ]
    )
    print(f"{sizes.n_bytes / 1e6:.0f} MB written at {sizes.n_bytes / 1e6 / took:.0f} MB/s, synced")
    return store


def read_store() -> None:
    """All of it, every page of every shard is brought into memory."""
    for _, residuals in ResidualStore.open(FOLDER).shards():
        residuals.view(torch.int16).flatten()[::2048].max()


PEAK = """
import resource, sys
from pathlib import Path
import torch
from probes.residuals.store import ResidualStore

store = ResidualStore.open(Path(sys.argv[1]))
for residuals in store.read_shards(range(round(float(sys.argv[2]) * store.spec.n_shards))):
    residuals.view(torch.int16).flatten()[::2048].max()
status = Path("/proc/self/status")
if status.exists():  # ru_maxrss counts what the parent held when it started this process
    (line,) = [line for line in status.read_text().splitlines() if line.startswith("VmHWM")]
    print(int(line.split()[1]) / 2**10)
else:
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20)
"""
"""In a process of its own, which has not held a model."""


def read_files() -> None:
    """Like cat: every byte into the same piece of memory."""
    memory = bytearray(2**20)
    for path in sorted(FOLDER.glob("shard-*")):
        with open(path, "rb", buffering=0) as file:
            while file.readinto(memory):
                pass


def forget_files() -> None:
    """Have the system drop its copies in memory, so that the disk is read (Linux only)."""
    if not hasattr(os, "posix_fadvise"):
        return
    for path in FOLDER.glob("shard-*"):
        with open(path, "rb") as file:
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def reading(sizes: Sizes) -> None:
    fill(sizes)
    for where, before in (("the disk", forget_files), ("the system's memory", read_files)):
        rounds = []
        for _ in range(ROUNDS):
            before()
            bare_s = seconds(read_files)
            before()
            rounds.append((bare_s, seconds(read_store)))
        bare_s, store_s = map(min, zip(*rounds, strict=True))
        megabytes = sizes.n_bytes / 1e6
        print(
            f"from {where}: bare files {megabytes / bare_s:.0f} MB/s, the store with every "
            f"checksum verified {megabytes / store_s:.0f} MB/s"
        )
    for share in (0.0, 0.25, 1.0):
        command = [sys.executable, "-c", PEAK, str(FOLDER), str(share)]
        printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        print(f"peak memory when {share:.0%} of the store is read: {float(printed):.0f} MiB")


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--items", type=int, default=8192)
    parser.add_argument("--layers", type=int, default=33)
    parser.add_argument("--width", type=int, default=1024)
    parser.add_argument("--reading-only", action="store_true")
    options = parser.parse_args()
    try:
        if not options.reading_only:
            writing()
        reading(Sizes(items=options.items, layers=options.layers, width=options.width))
    finally:
        shutil.rmtree(FOLDER, ignore_errors=True)
