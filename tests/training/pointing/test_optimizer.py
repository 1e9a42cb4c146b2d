"""MasterWeightOptimizer: the steps of plain float32 AdamW and Muon, whatever the weights are rounded to."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from roborefer.training.pointing.optimizer import MasterWeightOptimizer

RATE, DECAY, AVERAGE = 0.05, 0.1, 0.9


class Small(nn.Module):
    """A transformer's and a projector's matrices, and what else there is."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.embed = nn.Embedding(5, 4)
        self.layers = nn.ModuleList([nn.Linear(4, 6), nn.Linear(6, 4, bias=False)])
        self.convolution = nn.Conv2d(2, 3, 3)
        self.head = nn.Linear(4, 2)
        self.fixed = nn.Parameter(torch.ones(3), requires_grad=False)


MATRICES = ("layers.0.weight", "layers.1.weight")


def gradients(module: nn.Module, step: int) -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(step)
    return {
        name: torch.randn(weight.shape, generator=generator).bfloat16()
        for name, weight in module.named_parameters()
        if weight.requires_grad
    }


def take(optimizer: MasterWeightOptimizer, module: nn.Module, steps: range) -> list[float]:
    """Steps of two backward passes each, at a falling share of the rate; the norms."""
    norms = []
    for step in steps:
        for number in range(2):
            for name, gradient in gradients(module, 2 * step + number).items():
                module.get_parameter(name).grad = gradient.clone()
            optimizer.gather(0.5)
        norms.append(optimizer.step(1 / (1 + step), clip=2.0))
    return norms


def made(module: nn.Module) -> MasterWeightOptimizer:
    return MasterWeightOptimizer(module, RATE, DECAY, AVERAGE)


def test_steps_are_those_of_plain_float32() -> None:
    module = Small().bfloat16()
    optimizer = made(module)
    plain = {name: weight.detach().float() for name, weight in module.named_parameters() if weight.requires_grad}
    averages = {name: weight.clone() for name, weight in plain.items()}
    for weight in plain.values():
        weight.requires_grad_(True)
    muon = torch.optim.Muon(
        [plain[name] for name in MATRICES], lr=RATE, weight_decay=DECAY, adjust_lr_fn="match_rms_adamw"
    )
    adam = torch.optim.AdamW(
        [weight for name, weight in plain.items() if name not in MATRICES],
        lr=RATE,
        betas=(0.9, 0.98),
        weight_decay=0.0,
        foreach=False,
    )
    for step in range(5):
        (norm,) = take(optimizer, module, range(step, step + 1))
        first, second = gradients(module, 2 * step), gradients(module, 2 * step + 1)
        means = {name: (first[name].float() + second[name].float()) / 2 for name in plain}
        expected = sum(float((mean**2).sum()) for mean in means.values()) ** 0.5
        assert norm == pytest.approx(expected, rel=1e-4)
        assert norm > 2.0
        for name, weight in plain.items():
            weight.grad = means[name] * 2.0 / (norm + 1e-6)
        for each in (muon, adam):
            each.param_groups[0]["lr"] = RATE / (1 + step)
            each.step()
        share = min(AVERAGE, (step + 1) / (step + 11))
        for name, weight in plain.items():
            averages[name] = share * averages[name] + (1 - share) * weight.detach()
            assert torch.allclose(optimizer.masters[name], weight.detach(), atol=1e-5), name
            assert torch.allclose(optimizer.averages[name], averages[name], atol=1e-5), name
            assert torch.equal(module.get_parameter(name).detach(), optimizer.masters[name].bfloat16()), name
    assert optimizer.steps == 5
    assert torch.equal(module.fixed, torch.ones(3, dtype=torch.bfloat16))


def test_small_steps_are_not_lost_in_rounding() -> None:
    module = Small().bfloat16()
    optimizer = MasterWeightOptimizer(module, 1e-5, 0.0, AVERAGE)
    before = module.head.weight.detach().clone()
    for _ in range(40):
        module.head.weight.grad = torch.ones_like(module.head.weight)
        optimizer.gather(1.0)
        optimizer.step(1.0, clip=1e9)
    moved = before.float() - optimizer.masters["head.weight"]
    assert torch.allclose(moved, torch.full_like(moved, 4e-4), rtol=0.02)


def test_gradients_are_taken_once() -> None:
    module = Small().bfloat16()
    optimizer = made(module)
    take(optimizer, module, range(1))
    assert all(weight.grad is None for weight in module.parameters())
    assert all(not master.grad.any() for master in optimizer.masters.values() if master.grad is not None)


def test_what_was_kept_goes_on_as_if_nothing_had_been() -> None:
    through, first = Small().bfloat16(), Small().bfloat16()
    whole, begun = made(through), made(first)
    norms = take(whole, through, range(6))
    take(begun, first, range(3))
    held = {name: tensor.clone() for name, tensor in begun.tensors().items()}
    again = Small().bfloat16()
    with torch.no_grad():
        for weight in again.parameters():
            weight.mul_(0.5)
        again.fixed.copy_(first.fixed)
    resumed = made(again)
    resumed.load(held)
    assert resumed.steps == 3
    for name, weight in again.named_parameters():
        assert torch.equal(weight, first.get_parameter(name)), name
    assert take(resumed, again, range(3, 6)) == norms[3:]
    ours, theirs = resumed.tensors(), whole.tensors()
    assert set(ours) == set(theirs)
    for name, tensor in theirs.items():
        assert torch.equal(ours[name], tensor), name
    for name, weight in again.named_parameters():
        assert torch.equal(weight, through.get_parameter(name)), name
