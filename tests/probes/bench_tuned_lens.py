"""Tuned lens against the `tuned-lens` package on the same language model and texts.

    python tests/probes/bench_tuned_lens.py [--package-python PATH] [--steps 250] [--folder FOLDER]

PATH is the Python of an environment of its own with `tuned-lens` (0.2.0) and a transformers older
than 5, whose loader it needs; without it only our own training is measured, and the program says
so. A small Llama is trained first, on the source
code of the standard library; FOLDER keeps it for the next time. CPU seconds and memory are those
of whole processes, capture included; divergences are in nats on test texts, by one evaluator.
"""

import argparse
import json
import os
import subprocess
import sys
import sysconfig
import tempfile
import time
from pathlib import Path
from typing import Any, NamedTuple

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from probes.translators import Recipe, ResidualRows, train_tuned_lens
from probes.translators.affine import Translators, kl_by_layer
from probes.translators.output_map import OutputMap
from probes.tuned_lens_format import write
from probes.unembedding import Unembedding, detach_unembedding

CONTEXT, VOCAB, LAYERS, WIDTH = 128, 8192, 8, 256
ROUND = 16
TRAIN_ROUNDS, HELD_OUT_ROUNDS = 24, 4
RECIPE = Recipe(steps=30, evaluate_every=15, guard_rows=2048, products="bfloat16")
# The package's defaults, and its other optimizer with the learning rate that suits it best.
PACKAGE = (("SGD", "SGD", (1.0,)), ("Adam, tuned", "ADAM", (0.3, 1.0, 3.0)))


def texts() -> dict[str, list[str]]:
    """Source files; every eighth is for validation, and every eighth for testing."""
    files = sorted(Path(sysconfig.get_paths()["stdlib"]).glob("*.py"))
    sides: dict[str, list[str]] = {"train": [], "validation": [], "test": []}
    for number, file in enumerate(files):
        side = {6: "validation", 7: "test"}.get(number % 8, "train")
        sides[side].append(file.read_text(encoding="utf-8", errors="ignore")[:20_000])
    return sides


def make_language_model(folder: Path, steps: int) -> None:
    """A byte-level BPE and a Llama trained for so many steps, with the texts beside them."""
    sides = texts()
    bpe = Tokenizer(models.BPE())
    bpe.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bpe.decoder = decoders.ByteLevel()
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    bpe.train_from_iterator(
        sides["train"],
        trainers.BpeTrainer(
            vocab_size=VOCAB,
            special_tokens=["<eos>"],
            initial_alphabet=alphabet,
            show_progress=False,
        ),
    )
    PreTrainedTokenizerFast(
        tokenizer_object=bpe, eos_token="<eos>", model_max_length=CONTEXT
    ).save_pretrained(folder)
    # The older transformers that the package needs does not know the name of its successor's class.
    about = folder / "tokenizer_config.json"
    known = json.loads(about.read_text()) | {"tokenizer_class": "PreTrainedTokenizerFast"}
    about.write_text(json.dumps(known))
    ids = {}
    for side, documents in sides.items():
        lines = "".join(json.dumps({"text": document}) + "\n" for document in documents)
        (folder / f"{side}.jsonl").write_text(lines)
        flat = torch.tensor([i for document in documents for i in [*bpe.encode(document).ids, 0]])
        ids[side] = flat[: len(flat) // CONTEXT * CONTEXT].view(-1, CONTEXT)
    torch.save(ids, folder / "ids.pt")
    trained(ids["train"], steps).save_pretrained(folder)


def trained(ids: torch.Tensor, steps: int) -> LlamaForCausalLM:
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=VOCAB,
        hidden_size=WIDTH,
        intermediate_size=704,
        num_hidden_layers=LAYERS,
        num_attention_heads=4,
        max_position_embeddings=CONTEXT,
        bos_token_id=0,
        eos_token_id=0,
    )
    model = LlamaForCausalLM(config)
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3, betas=(0.9, 0.95))
    for step in range(steps):
        for group in optimizer.param_groups:
            group["lr"] = 3e-3 * min((step + 1) / 10, 1.2 * (steps - step) / steps, 1)
        batch = ids[torch.randint(len(ids), (32,))]
        with torch.autocast("cpu", dtype=torch.bfloat16):
            loss = model(input_ids=batch, labels=batch).loss
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return model.eval()


def read(folder: Path) -> tuple[LlamaForCausalLM, dict[str, torch.Tensor], Unembedding]:
    model: Any = LlamaForCausalLM.from_pretrained(folder).eval()
    unembedding = detach_unembedding(model.model.norm, model.lm_head, scale=1, soft_cap=None)
    return model, torch.load(folder / "ids.pt", weights_only=True), unembedding


def captured(model: Any, ids: torch.Tensor, name: str) -> ResidualRows:
    """Residuals of every position in bfloat16; a window of text is a scene."""
    buffer = torch.empty(ROUND, CONTEXT, LAYERS + 1, WIDTH)

    def hook_for(layer: int):
        def write_layer(_, args: tuple, kwargs: dict) -> None:
            buffer[:, :, layer] = args[0] if args else kwargs["hidden_states"]

        return write_layer

    residuals = torch.empty(len(ids) * CONTEXT, LAYERS + 1, WIDTH, dtype=torch.bfloat16)
    modules = [*model.model.layers, model.model.norm]
    handles = [
        module.register_forward_pre_hook(hook_for(layer), with_kwargs=True)
        for layer, module in enumerate(modules)
    ]
    with torch.inference_mode():
        for rows, batch in zip(residuals.split(ROUND * CONTEXT), ids.split(ROUND), strict=True):
            model.model(input_ids=batch, use_cache=False)
            rows.copy_(buffer[: len(batch)].flatten(0, 1))
    for handle in handles:
        handle.remove()
    return ResidualRows.of(residuals, [f"{name}-{row // CONTEXT}" for row in range(len(residuals))])


def train_ours(folder: Path, out: Path) -> None:
    """In a process of its own: capture, training, and the lens in the package's format."""
    model, ids, unembedding = read(folder)
    train = captured(model, ids["train"][: TRAIN_ROUNDS * ROUND], "train")
    validation = captured(model, ids["validation"][: HELD_OUT_ROUNDS * ROUND], "validation")
    found = train_tuned_lens(train, validation, unembedding, recipe=RECIPE)
    out.mkdir(exist_ok=True)
    write(out, found.translators, unembedding, model=str(folder), revision="bench")


def package_command(
    python: str, folder: Path, out: Path, *, optimizer: str, lr_scale: float, steps: int
) -> list[str]:
    """The package's own command, with its default schedule."""
    arguments = {
        "--model.name": folder, "--data.name": folder / "train.jsonl", "--max_length": CONTEXT,
        "--per_gpu_batch_size": ROUND, "--tokens_per_step": CONTEXT * ROUND,
        "--num_steps": steps, "--optimizer": optimizer, "--lr_scale": lr_scale, "--output": out,
    }  # fmt: skip
    flat = [str(part) for pair in arguments.items() for part in pair]
    return [python, "-m", "tuned_lens", "train", *flat]


class Cost(NamedTuple):
    """Of a whole process."""

    cpu_seconds: float
    peak_mib: float


def measured(command: list[str]) -> Cost:
    """Run a process to its end; what it alone has cost."""
    with tempfile.TemporaryFile() as complaint:
        process = subprocess.Popen(command, stdout=complaint, stderr=complaint)
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            complaint.seek(0)
            tail = complaint.read()[-2000:].decode(errors="replace")
            raise SystemExit(f"{' '.join(command)} failed:\n{tail}")
    peak = used.ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)
    return Cost(used.ru_utime + used.ru_stime, peak)


def kl_of(folder: Path, side: str, out: Path | None) -> torch.Tensor:
    """Mean divergence by layer, in nats, on the texts of a side; without `out`, the logit lens."""
    model, ids, unembedding = read(folder)
    rows = captured(model, ids[side][: HELD_OUT_ROUNDS * ROUND], side)
    translators = Translators.zero(LAYERS, WIDTH)
    if out is not None:
        state = torch.load(out / "params.pt", weights_only=True)
        translators = Translators(
            maps=torch.stack([state[f"{layer}.weight"].float() for layer in range(LAYERS)]),
            offsets=torch.stack([state[f"{layer}.bias"].float() for layer in range(LAYERS)]),
        )
    return kl_by_layer(rows, translators, OutputMap.of(unembedding))


def show(name: str, kl: torch.Tensor, cost: Cost | None = None) -> None:
    by_layer = " ".join(f"{value:.4f}" for value in kl.tolist())
    price = f"  {cost.cpu_seconds:.0f} CPU s, peak {cost.peak_mib:.0f} MiB" if cost else ""
    print(f"{name:22s} {by_layer}  mean {float(kl.mean()):.4f}{price}", flush=True)


def main(options: argparse.Namespace, folder: Path) -> None:
    if not (folder / "ids.pt").exists() or not (folder / "model.safetensors").exists():
        start = time.process_time()
        make_language_model(folder, options.model_steps)
        print(f"language model: {time.process_time() - start:.0f} CPU s")
    print("KL by layer, nats; recipes are chosen on validation texts, reported on test texts")
    show("logit lens", kl_of(folder, "test", None))
    own = folder / "ours"
    mine = measured([sys.executable, __file__, "--folder", str(folder), "--ours", str(own)])
    ours = kl_of(folder, "test", own)
    show("ours", ours, mine)
    if not options.package_python:
        print("tuned-lens package: not measured, give --package-python")
        return
    for name, optimizer, scales in PACKAGE:
        if name not in options.only:
            continue
        tried = {}
        for scale in options.scales or scales:
            out = folder / f"{optimizer}-{scale:g}"
            command = package_command(
                options.package_python, folder, out,
                optimizer=optimizer, lr_scale=scale, steps=options.steps,
            )  # fmt: skip
            cost = measured(command)
            validation = kl_of(folder, "validation", out)
            tried[scale] = (float(validation.mean()), out, cost)
            if len(scales) > 1:
                show(f"  validation, lr x {scale:g}", validation, cost)
        scale = min(tried, key=lambda each: tried[each][0])
        _, out, theirs = tried[scale]
        kl = kl_of(folder, "test", out)
        show(f"package {name}", kl, theirs)
        print(
            f"ours / package {name}: KL by layer at most {float((ours / kl).max()):.3f}, mean "
            f"{float(ours.mean() / kl.mean()):.3f}; {mine.cpu_seconds / theirs.cpu_seconds:.3f} of "
            f"its CPU time (.100 wanted), {mine.peak_mib / theirs.peak_mib:.3f} of its peak memory "
            "(.500 wanted)",
            flush=True,
        )


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--package-python")
    parser.add_argument("--steps", type=int, default=250)
    parser.add_argument("--model-steps", type=int, default=250)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--ours", type=Path)
    parser.add_argument("--only", nargs="*", default=[name for name, *_ in PACKAGE])
    parser.add_argument("--scales", nargs="*", type=float)
    options = parser.parse_args()
    if options.ours:
        train_ours(options.folder, options.ours)
    elif options.folder:
        options.folder.mkdir(parents=True, exist_ok=True)
        main(options, options.folder)
    else:
        with tempfile.TemporaryDirectory() as temporary:
            main(options, Path(temporary))
