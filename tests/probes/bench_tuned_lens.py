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
import resource
import subprocess
import sys
import sysconfig
import tempfile
import time
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from probes.translators import Recipe, ResidualRows, train_tuned_lens
from probes.translators.affine import Translators, kl_by_layer
from probes.translators.output_map import OutputMap
from probes.tuned_lens_format import write
from probes.unembedding import Unembedding, detach_unembedding

CONTEXT, VOCAB, LAYERS, WIDTH = 128, 2048, 6, 128
ROUND = 16
TRAIN_ROUNDS, HELD_OUT_ROUNDS = 24, 4


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
        intermediate_size=352,
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

    modules = [*model.model.layers, model.model.norm]
    handles = [
        module.register_forward_pre_hook(hook_for(layer), with_kwargs=True)
        for layer, module in enumerate(modules)
    ]
    parts = []
    with torch.inference_mode():
        for batch in ids.split(ROUND):
            model.model(input_ids=batch, use_cache=False)
            parts.append(buffer[: len(batch)].flatten(0, 1).bfloat16())
    for handle in handles:
        handle.remove()
    residuals = torch.cat(parts)
    return ResidualRows.of(residuals, [f"{name}-{row // CONTEXT}" for row in range(len(residuals))])


def train_ours(folder: Path, out: Path) -> None:
    """In a process of its own: capture, training, and the lens in the package's format."""
    model, ids, unembedding = read(folder)
    train = captured(model, ids["train"][: TRAIN_ROUNDS * ROUND], "train")
    validation = captured(model, ids["validation"][: HELD_OUT_ROUNDS * ROUND], "validation")
    found = train_tuned_lens(
        train, validation, unembedding, recipe=Recipe(products="bfloat16", guard_rows=4096)
    )
    out.mkdir(exist_ok=True)
    write(out, found.translators, unembedding, model=str(folder), revision="bench")


def package_command(python: str, folder: Path, out: Path, optimizer: str, steps: int) -> list[str]:
    """The package's own command, with its default learning rates and schedule."""
    arguments = {
        "--model.name": folder, "--data.name": folder / "train.jsonl", "--max_length": CONTEXT,
        "--per_gpu_batch_size": ROUND, "--tokens_per_step": CONTEXT * ROUND,
        "--num_steps": steps, "--optimizer": optimizer, "--output": out,
    }  # fmt: skip
    flat = [str(part) for pair in arguments.items() for part in pair]
    return [python, "-m", "tuned_lens", "train", *flat]


def measured(command: list[str]) -> tuple[float, float]:
    """CPU seconds of a process; its peak memory in MiB (the largest child so far)."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    if ended.returncode:
        raise SystemExit(f"{' '.join(command)} failed:\n{ended.stderr[-2000:]}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return seconds, after.ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)


def report(name: str, out: Path, folder: Path, cost: tuple[float, float] | None) -> None:
    model, ids, unembedding = read(folder)
    test = captured(model, ids["test"][: HELD_OUT_ROUNDS * ROUND], "test")
    translators = Translators.zero(LAYERS, WIDTH)
    if cost is not None:
        state = torch.load(out / "params.pt", weights_only=True)
        translators = Translators(
            maps=torch.stack([state[f"{layer}.weight"].float() for layer in range(LAYERS)]),
            offsets=torch.stack([state[f"{layer}.bias"].float() for layer in range(LAYERS)]),
        )
    found = kl_by_layer(test, translators, OutputMap.of(unembedding))
    shown = " ".join(f"{value:.4f}" for value in found.tolist())
    price = "" if cost is None else f"  {cost[0]:.0f} CPU s, peak so far {cost[1]:.0f} MiB"
    print(f"{name:14s} KL by layer {shown}  mean {float(found.mean()):.4f}{price}", flush=True)


def main(options: argparse.Namespace, folder: Path) -> None:
    if not (folder / "ids.pt").exists() or not (folder / "model.safetensors").exists():
        start = time.process_time()
        make_language_model(folder, options.model_steps)
        print(f"language model: {time.process_time() - start:.0f} CPU s")
    report("logit lens", folder, folder, None)
    # Ours first: the peak of a later process can then only show if it is larger.
    ours = [sys.executable, __file__, "--folder", str(folder), "--ours", str(folder / "ours")]
    report("ours", folder / "ours", folder, measured(ours))
    if not options.package_python:
        print("tuned-lens package: not measured, give --package-python")
        return
    for optimizer in ("SGD", "ADAM"):
        out = folder / optimizer
        command = package_command(options.package_python, folder, out, optimizer, options.steps)
        report(f"package {optimizer}", out, folder, measured(command))


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--package-python")
    parser.add_argument("--steps", type=int, default=250)
    parser.add_argument("--model-steps", type=int, default=250)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--ours", type=Path)
    options = parser.parse_args()
    if options.ours:
        train_ours(options.folder, options.ours)
    elif options.folder:
        options.folder.mkdir(parents=True, exist_ok=True)
        main(options, options.folder)
    else:
        with tempfile.TemporaryDirectory() as temporary:
            main(options, Path(temporary))
