"""Train a small GPT within a fixed budget and print how well it predicts: val_bpb, lower is better.

This file is the agents' own: everything in it may be changed. What may not is gitcollab.task, which
gives the data, the tokenizer, the budget and the metric.

The constants below are for the micro task (embedded stories, 60 seconds, two CPU cores); a GPU runs
them too, at a fraction of its power. Scale them with the machine and the budget; a hub made with
`gitcollab init --preset autoresearch` begins with those of the second column:

                        micro      autoresearch (one H100, climbmix, 300 seconds)
    DEPTH               3          8
    SHORT_WINDOW        64         1024
    ASPECT_RATIO        32         64
    HEAD_DIM            32         128
    MATRIX_LR           0.01       0.04
    TOTAL_BATCH_SIZE    6 * 768    2**19
    DEVICE_BATCH_SIZE   6          128      (halve it until it fits the memory)

The first steps (10 on a GPU, 2 on a CPU) are not counted in a budget of seconds: kernels are
compiled and caches fill then.
"""

import time

STARTED = time.perf_counter()

import importlib.util  # noqa: E402 - the clock starts before the slow imports
import math  # noqa: E402
import sys  # noqa: E402

import torch  # noqa: E402
import torch.nn.functional as F  # noqa: E402, N812
from torch import nn  # noqa: E402

from gitcollab.task import (  # noqa: E402
    Clock,
    Dataset,
    TaskError,
    devices,
    evaluate_bpb,
    load,
    load_settings,
    seed,
    training_batches,
)

# Model
DEPTH = 3  # transformer layers
ASPECT_RATIO = 32  # model width = DEPTH * ASPECT_RATIO, rounded up to a multiple of HEAD_DIM
HEAD_DIM = 32  # width of an attention head (CUDA: a multiple of 8)
WINDOW_PATTERN = "SSL"  # attention window by layer, repeated: S is SHORT_WINDOW, L the context
SHORT_WINDOW = 64  # tokens; a divisor of the context
MLP_RATIO = 4  # hidden width of the MLP, in model widths
SOFTCAP = 15.0  # logits are squashed smoothly into -SOFTCAP..SOFTCAP
ROPE_BASE = 10000.0  # rotary embedding: longest wavelength, about ROPE_BASE * 2 pi tokens

# Optimisation
TOTAL_BATCH_SIZE = 6 * 768  # tokens per optimiser step, rounded to whole device batches
EMBEDDING_LR = 0.6  # AdamW, token and value embeddings; scaled by (width / 768) ** -0.5
UNEMBEDDING_LR = 0.004  # AdamW, output layer; scaled likewise
MATRIX_LR = 0.01  # Muon, matrices of attention and MLP: size of an orthogonal update
SCALAR_LR = 0.5  # AdamW, the residual stream's scalars
WEIGHT_DECAY = 0.1  # Muon's matrices, times their learning rate; falls to 0 over the budget
ADAM_BETAS = (0.8, 0.95)  # AdamW: decay of the gradient's mean and of its square
WARMUP_RATIO = 0.0  # share of the budget in which the learning rates rise from 0
WARMDOWN_RATIO = 0.5  # share of the budget, at its end, in which they fall
FINAL_LR_FRAC = 0.0  # what they fall to, as a share of their full values
MUON_MOMENTUM = 0.95  # decay of Muon's gradient mean; rises from 0.85 in the first 300 steps
MUON_ITERATIONS = 5  # steps of the polar iteration that makes an update orthogonal

# Machine
DEVICE_BATCH_SIZE = 6  # rows (of the dataset's context length) per forward pass: fits the memory
EVAL_BATCH_SIZE = 16  # rows per forward pass of the evaluation, at least DEVICE_BATCH_SIZE


def norm(x: torch.Tensor) -> torch.Tensor:
    """RMSNorm without weights."""
    return F.rms_norm(x, (x.size(-1),))


class Rotary(nn.Module):
    """Positions as rotations of pairs of coordinates (Su et al. 2021)."""

    def __init__(self, context: int) -> None:
        super().__init__()
        frequency = ROPE_BASE ** (-torch.arange(0, HEAD_DIM, 2).float() / HEAD_DIM)
        angle = torch.outer(torch.arange(context).float(), frequency)
        self.register_buffer("cos", angle.cos()[None, :, None], persistent=False)
        self.register_buffer("sin", angle.sin()[None, :, None], persistent=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Rotate x (batch, tokens, heads, HEAD_DIM)."""
        a, b = x.chunk(2, dim=-1)
        cos, sin = self.cos[:, : x.size(1)].to(x.dtype), self.sin[:, : x.size(1)].to(x.dtype)
        return torch.cat([a * cos + b * sin, b * cos - a * sin], dim=-1)


class Attention(nn.Module):
    """Causal attention with QK-norm; in every second layer tokens add a value of their own."""

    def __init__(self, width: int, vocab_size: int, short: bool, own_values: bool) -> None:
        super().__init__()
        self.heads = width // HEAD_DIM
        self.short = short
        self.query = nn.Linear(width, width, bias=False)
        self.key = nn.Linear(width, width, bias=False)
        self.value = nn.Linear(width, width, bias=False)
        self.out = nn.Linear(width, width, bias=False)
        self.value_embedding = nn.Embedding(vocab_size, width) if own_values else None
        self.value_gate = nn.Linear(HEAD_DIM, self.heads, bias=False) if own_values else None

    def forward(
        self, x: torch.Tensor, tokens: torch.Tensor, rotary: Rotary, near: torch.Tensor
    ) -> torch.Tensor:
        """Attend to everything before, or with ``near`` (see `near_mask`) to what is close."""
        batch, length, _ = x.shape
        shape = (batch, length, self.heads, HEAD_DIM)
        q = norm(rotary(self.query(x).view(shape)))
        k = norm(rotary(self.key(x).view(shape)))
        v = self.value(x).view(shape)
        if self.value_embedding is not None:
            gate = 2 * torch.sigmoid(self.value_gate(x[..., :HEAD_DIM]))
            v = v + gate[..., None] * self.value_embedding(tokens).view(shape).to(v.dtype)
        q, k, v = (t.transpose(1, 2) for t in (q, k, v.to(q.dtype)))
        y = windowed(q, k, v, near) if self.short else fused(q, k, v, is_causal=True)
        return self.out(y.transpose(1, 2).reshape(x.shape))


fused = F.scaled_dot_product_attention


def windowed(q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, near: torch.Tensor) -> torch.Tensor:
    """Attend to the last SHORT_WINDOW tokens: each block of queries sees its own and the last.

    All are (batch, heads, tokens, HEAD_DIM). The cost grows with the window, not the context.
    """
    batch, heads, length, dim = q.shape
    blocks = length // SHORT_WINDOW

    def two_blocks(x: torch.Tensor) -> torch.Tensor:
        padded = F.pad(x, (0, 0, SHORT_WINDOW, 0)).view(batch, heads, blocks + 1, SHORT_WINDOW, dim)
        return torch.cat([padded[:, :, :-1], padded[:, :, 1:]], dim=3).flatten(1, 2)

    y = fused(
        q.reshape(batch, heads * blocks, SHORT_WINDOW, dim),
        two_blocks(k),
        two_blocks(v),
        attn_mask=near,
    )
    return y.view(batch, heads, length, dim)


def near_mask(context: int, heads: int) -> torch.Tensor:
    """Return who sees whom in `windowed`: (1, heads * blocks, SHORT_WINDOW, 2 * SHORT_WINDOW)."""
    blocks = context // SHORT_WINDOW
    query = torch.arange(SHORT_WINDOW)[:, None] + SHORT_WINDOW
    key = torch.arange(2 * SHORT_WINDOW)[None, :]
    near = ((query >= key) & (query - key < SHORT_WINDOW)).repeat(blocks, 1, 1)
    near[0, :, :SHORT_WINDOW] = False  # nothing comes before the first block
    return near.repeat(heads, 1, 1)[None]


class Block(nn.Module):
    """Attention, then a ReLU squared MLP, each on the normed stream and added to it."""

    def __init__(self, width: int, vocab_size: int, short: bool, own_values: bool) -> None:
        super().__init__()
        self.attention = Attention(width, vocab_size, short, own_values)
        self.up = nn.Linear(width, MLP_RATIO * width, bias=False)
        self.down = nn.Linear(MLP_RATIO * width, width, bias=False)

    def forward(
        self, x: torch.Tensor, tokens: torch.Tensor, rotary: Rotary, near: torch.Tensor
    ) -> torch.Tensor:
        """Return the stream after this layer."""
        x = x + self.attention(norm(x), tokens, rotary, near)
        return x + self.down(F.relu(self.up(norm(x))).square())


class GPT(nn.Module):
    """The model: token ids (batch, tokens) to logits (batch, tokens, vocabulary)."""

    def __init__(self, vocab_size: int, context: int) -> None:
        super().__init__()
        self.width = -(-DEPTH * ASPECT_RATIO // HEAD_DIM) * HEAD_DIM
        self.context = context
        self.embedding = nn.Embedding(vocab_size, self.width)
        self.blocks = nn.ModuleList(
            Block(self.width, vocab_size, is_short(i, context), own_values=(DEPTH - i) % 2 == 1)
            for i in range(DEPTH)
        )
        self.unembedding = nn.Linear(self.width, vocab_size, bias=False)
        self.rotary = Rotary(context)
        # Each layer reads a mix of the stream and the embedding.
        self.stream_scale = nn.Parameter(torch.ones(DEPTH))
        self.embedding_scale = nn.Parameter(torch.full((DEPTH,), 0.1))
        near = near_mask(context, self.width // HEAD_DIM)
        self.register_buffer("near", near, persistent=False)
        self.initialise()

    @torch.no_grad()
    def initialise(self) -> None:
        """Every layer begins as the identity; the output begins close to uniform."""
        bound = (3 / self.width) ** 0.5
        nn.init.normal_(self.embedding.weight)
        nn.init.normal_(self.unembedding.weight, std=0.001)
        for block in self.blocks:
            for layer in (block.attention.query, block.attention.key, block.attention.value):
                nn.init.uniform_(layer.weight, -bound, bound)
            nn.init.uniform_(block.up.weight, -bound, bound)
            nn.init.zeros_(block.attention.out.weight)
            nn.init.zeros_(block.down.weight)
            if block.attention.value_embedding is not None:
                nn.init.uniform_(block.attention.value_embedding.weight, -bound, bound)
                nn.init.zeros_(block.attention.value_gate.weight)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        """Return the logits of each next token."""
        embedded = x = norm(self.embedding(tokens))
        for i, block in enumerate(self.blocks):
            x = self.stream_scale[i] * x + self.embedding_scale[i] * embedded
            x = block(x, tokens, self.rotary, self.near)
        logits = self.unembedding(norm(x)).float()
        return SOFTCAP * torch.tanh(logits / SOFTCAP)

    def flops_per_token(self) -> float:
        """Forward and backward: 6 per weight that multiplies, 12 per attended token and width."""
        weights = sum(p.numel() for p in matrices(self)) + self.unembedding.weight.numel()
        attended = sum(SHORT_WINDOW if b.attention.short else self.context for b in self.blocks)
        return 6.0 * weights + 12.0 * self.width * attended


def is_short(layer: int, context: int) -> bool:
    """Return whether a layer sees SHORT_WINDOW tokens only; the last layer always sees all."""
    pattern = WINDOW_PATTERN[layer % len(WINDOW_PATTERN)]
    return pattern == "S" and layer < DEPTH - 1 and context > SHORT_WINDOW


def matrices(model: GPT) -> list[nn.Parameter]:
    """Return Muon's parameters: the matrices of attention and MLP."""
    layers = [
        layer
        for b in model.blocks
        for layer in (
            b.attention.query,
            b.attention.key,
            b.attention.value,
            b.attention.out,
            b.up,
            b.down,
        )
    ]
    return [layer.weight for layer in layers]


def orthogonalised(g: torch.Tensor) -> torch.Tensor:
    """Return about U V^T of each matrix's U S V^T: all singular values near 1.

    Newton-Schulz with the quintic of Jordan et al. (Muon, 2024), on a stack (n, rows, columns).
    """
    a, b, c = 3.4445, -4.7750, 2.0315
    x = g.bfloat16() if g.is_cuda else g
    tall = x.size(-2) > x.size(-1)
    if tall:
        x = x.mT
    x = x / (x.norm(dim=(-2, -1), keepdim=True) * 1.02 + 1e-6)
    for _ in range(MUON_ITERATIONS):
        s = x @ x.mT
        x = a * x + (b * s + c * s @ s) @ x
    return (x.mT if tall else x).to(g.dtype)


class Muon(torch.optim.Optimizer):
    """Momentum whose updates are made orthogonal; matrices of one shape are updated together."""

    def __init__(self, params: list[nn.Parameter], lr: float, compiled: bool) -> None:
        shapes = sorted({tuple(p.shape) for p in params})
        groups = [{"params": [p for p in params if tuple(p.shape) == shape]} for shape in shapes]
        super().__init__(groups, {"lr": lr, "momentum": MUON_MOMENTUM, "weight_decay": 0.0})
        self.orthogonalised = (
            torch.compile(orthogonalised, dynamic=False) if compiled else orthogonalised
        )

    @torch.no_grad()
    def step(self) -> None:
        """Make one update; weights decay only where that goes the update's way."""
        for group in self.param_groups:
            params = group["params"]
            g = torch.stack([p.grad for p in params])
            state = self.state[params[0]]
            mean = state.setdefault("mean", torch.zeros_like(g))
            mean.lerp_(g, 1 - group["momentum"])
            update = self.orthogonalised(g.lerp(mean, group["momentum"]))
            w = torch.stack(list(params))
            lr = group["lr"] * max(1.0, w.size(-2) / w.size(-1)) ** 0.5
            decay = group["lr"] * group["weight_decay"] * w * (update * w >= 0)
            torch._foreach_sub_(list(params), list((lr * update + decay).unbind()))


def optimisers(model: GPT, compiled: bool) -> list[torch.optim.Optimizer]:
    """Return Muon for the matrices and AdamW for the rest, each group with its full rate."""
    attentions = [b.attention for b in model.blocks if b.attention.value_embedding is not None]
    embeddings = [model.embedding.weight, *(a.value_embedding.weight for a in attentions)]
    gates = [a.value_gate.weight for a in attentions]
    scale = (model.width / 768) ** -0.5
    adam = torch.optim.AdamW(
        [
            {"params": embeddings, "lr": EMBEDDING_LR * scale},
            {"params": [model.unembedding.weight, *gates], "lr": UNEMBEDDING_LR * scale},
            {"params": [model.embedding_scale], "lr": SCALAR_LR},
            {"params": [model.stream_scale], "lr": SCALAR_LR * 0.01},
        ],
        betas=ADAM_BETAS,
        eps=1e-10,
        weight_decay=0.0,
        fused=embeddings[0].is_cuda,
    )
    both = [Muon(matrices(model), MATRIX_LR, compiled), adam]
    for optimiser in both:
        for group in optimiser.param_groups:
            group["full_lr"] = group["lr"]
    return both


def lr_multiplier(share: float) -> float:
    """Warm up, stay, warm down, by the used share of the budget."""
    if share < WARMUP_RATIO:
        return share / WARMUP_RATIO
    if share <= 1.0 - WARMDOWN_RATIO:
        return 1.0
    left = (1.0 - share) / WARMDOWN_RATIO
    return left + (1.0 - left) * FINAL_LR_FRAC


def set_schedule(both: list[torch.optim.Optimizer], clock: Clock) -> float:
    """Set this step's learning rates, momentum and decay; return the multiplier."""
    multiplier = lr_multiplier(clock.share)
    for optimiser in both:
        for group in optimiser.param_groups:
            group["lr"] = group["full_lr"] * multiplier
    rise = min(clock.steps / 300, 1.0)
    for group in both[0].param_groups:
        group["momentum"] = 0.85 + (MUON_MOMENTUM - 0.85) * rise
        group["weight_decay"] = WEIGHT_DECAY * (1.0 - clock.share)
    return multiplier


def check(loss: float, step: int, vocab_size: int) -> None:
    """Stop a run that is lost: no summary is printed, and the exit code says so."""
    if not math.isfinite(loss) or loss > 4 * math.log(vocab_size):
        sys.exit(f"FAIL: the loss is {loss} at step {step}; training has diverged")


def train(
    model: nn.Module,
    both: list[torch.optim.Optimizer],
    dataset: Dataset,
    clock: Clock,
    device: torch.device,
) -> None:
    """Train until the budget is used up, saying how it goes about once a second."""
    rows = max(1, round(TOTAL_BATCH_SIZE / dataset.context))
    device_rows = min(DEVICE_BATCH_SIZE, rows)
    accumulation = max(1, round(rows / device_rows))
    batches = training_batches(dataset, device_rows, seed(), device)
    inputs, targets, epoch = next(batches)
    tokens = accumulation * device_rows * dataset.context
    said = 0.0
    while not clock.done:
        begun = time.perf_counter()
        multiplier = set_schedule(both, clock)
        total = torch.zeros((), device=device)
        for _ in range(accumulation):
            with autocast(device):
                logits = model(inputs)
                loss = F.cross_entropy(logits.flatten(0, 1), targets.flatten())
            (loss / accumulation).backward()
            total += loss.detach() / accumulation
            inputs, targets, epoch = next(batches)  # made while the device is busy
        for optimiser in both:
            optimiser.step()
            optimiser.zero_grad(set_to_none=True)
        value = total.item()
        devices.synchronize(device)
        check(value, clock.steps, dataset.tokenizer.vocab_size)
        now = time.perf_counter()
        clock.step(now - begun, tokens)
        if now - said >= 1.0 or clock.done:
            said = now
            print(
                f"step {clock.steps:05d} ({100 * clock.share:.1f}%) | loss: {value:.6f} | "
                f"lrm: {multiplier:.2f} | dt: {1000 * (now - begun):.0f}ms | "
                f"tok/sec: {tokens / (now - begun):,.0f} | epoch: {epoch} | "
                f"remaining: {clock.remaining:.0f}s",
                flush=True,
            )


def autocast(device: torch.device) -> torch.autocast:
    """Matrix products in bfloat16 on CUDA; full precision elsewhere."""
    return torch.autocast(device.type, torch.bfloat16, enabled=device.type == "cuda")


def main() -> None:
    """Train, evaluate, report."""
    settings = load_settings()
    device = devices.detect()
    torch.manual_seed(seed())
    torch.set_float32_matmul_precision("high")
    torch.set_flush_denormal(True)
    dataset = load(settings.dataset)
    compiled = device.type == "cuda" and importlib.util.find_spec("triton") is not None
    with torch.device("cpu"):
        gpt = GPT(dataset.tokenizer.vocab_size, dataset.context)
    gpt.to(device)
    both = optimisers(gpt, compiled)
    model = torch.compile(gpt, dynamic=False) if compiled else gpt
    timed = settings.budget.unit == "seconds"
    clock = Clock(settings.budget, free_steps=devices.free_steps(device) if timed else 0)
    n_params = sum(p.numel() for p in gpt.parameters())
    print(
        f"{settings.name}: {settings.dataset}, {device.type}, {n_params:,} parameters", flush=True
    )
    train(model, both, dataset, clock, device)
    with autocast(device):
        batch = max(DEVICE_BATCH_SIZE, EVAL_BATCH_SIZE)
        val_bpb = evaluate_bpb(gpt.eval() if not compiled else model, dataset, batch, device)
    if not math.isfinite(val_bpb):
        sys.exit(f"FAIL: val_bpb is {val_bpb}")
    report(gpt, clock, val_bpb, device)


def report(gpt: GPT, clock: Clock, val_bpb: float, device: torch.device) -> None:
    """Print the summary that every tool reads."""
    peak = devices.peak_flops(devices.device_name(device))
    used = gpt.flops_per_token() * clock.counted_tokens / max(clock.seconds, 1e-9)
    summary = {
        "val_bpb": f"{val_bpb:.6f}",
        "training_seconds": f"{clock.seconds:.1f}",
        "total_seconds": f"{time.perf_counter() - STARTED:.1f}",
        "peak_vram_mb": f"{devices.peak_memory_mb(device):.1f}",
        "mfu_percent": f"{100 * used / peak if peak else 0.0:.2f}",
        "total_tokens_M": f"{clock.tokens / 1e6:.3f}",
        "num_steps": clock.steps,
        "num_params_M": f"{sum(p.numel() for p in gpt.parameters()) / 1e6:.3f}",
        "depth": DEPTH,
        "seed": seed(),
        "device": device.type,
    }
    print("---")
    for key, value in summary.items():
        print(f"{key + ':':<18}{value}", flush=True)


if __name__ == "__main__":
    try:
        main()
    except TaskError as error:
        sys.exit(f"FAIL: {error}")
