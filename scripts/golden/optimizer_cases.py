"""Optimizers, schedules and clipping: parameters and learning rates at each step; read by optimizer-cases.ts."""
import torch

from golden_case import GoldenCase, f32

SHAPES = [(4, 5), (7,), (2, 3, 2)]


def optimizer(run, name, config, code, schedule=None, steps=8):
    """
    Steps of an optimizer of `parameters`, given as PyTorch's call, and of a schedule of that `optimizer`.

    `config` has stmnet's class of the optimizer and its options, and of the schedule, without LR, and its own.
    """
    case = GoldenCase(run, "optimizer", name, config)
    names = case.names
    names["parameters"] = parameters = [f32(*shape).requires_grad_(True) for shape in SHAPES]
    tensors = {f"initial.{i}": p.clone() for i, p in enumerate(parameters)}
    case.run(f"optimizer = torch.optim.{code}")
    if schedule:
        case.run(f"schedule = torch.optim.lr_scheduler.{schedule}")
    rates = []
    for step in range(steps):
        for i, p in enumerate(parameters):
            p.grad = f32(*p.shape)
            tensors[f"gradient.{step}.{i}"] = p.grad.clone()
        rates.append(names["optimizer"].param_groups[0]["lr"])
        names["optimizer"].step()
        if schedule:
            names["schedule"].step()
        for i, p in enumerate(parameters):
            tensors[f"parameter.{step}.{i}"] = p.detach().clone()
    scheduled = "; schedule.step()" if schedule else ""
    case.lines.append(f"optimizer.step(){scheduled}  # {steps} times, each with new gradients")
    case.save(tensors, dict(steps=steps, learningRates=rates))


def first_cases(run):
    momentum = dict(optimizer="sgd", learningRate=0.1, momentum=0.9)
    adam = dict(optimizer="adam", learningRate=0.01)
    rmsprop = dict(optimizer="rmsprop", learningRate=0.01)
    for name, config, code in (
        ("sgd", dict(optimizer="sgd", learningRate=0.1), "SGD(parameters, lr=0.1)"),
        ("sgd-momentum", momentum, "SGD(parameters, lr=0.1, momentum=0.9)"),
        ("sgd-momentum-dampening-decay", dict(momentum, dampening=0.3, weightDecay=0.01),
         "SGD(parameters, lr=0.1, momentum=0.9, dampening=0.3, weight_decay=0.01)"),
        ("sgd-nesterov", dict(momentum, nesterov=True, weightDecay=0.01),
         "SGD(parameters, lr=0.1, momentum=0.9, nesterov=True, weight_decay=0.01)"),
        ("adam", adam, "Adam(parameters, lr=0.01)"),
        ("adam-decay", dict(adam, betas=[0.8, 0.95], weightDecay=0.1),
         "Adam(parameters, lr=0.01, betas=(0.8, 0.95), weight_decay=0.1)"),
        ("adam-amsgrad", dict(adam, amsgrad=True), "Adam(parameters, lr=0.01, amsgrad=True)"),
        ("adamw", dict(adam, optimizer="adamw", weightDecay=0.1), "AdamW(parameters, lr=0.01, weight_decay=0.1)"),
        ("nadam", dict(optimizer="nadam", learningRate=0.01), "NAdam(parameters, lr=0.01)"),
        ("adamax", dict(optimizer="adamax", learningRate=0.01), "Adamax(parameters, lr=0.01)"),
        ("rmsprop", dict(rmsprop, alpha=0.99), "RMSprop(parameters, lr=0.01)"),
        ("rmsprop-centered-momentum", dict(rmsprop, alpha=0.9, centered=True, momentum=0.9, weightDecay=0.01),
         "RMSprop(parameters, lr=0.01, alpha=0.9, centered=True, momentum=0.9, weight_decay=0.01)"),
        ("adagrad", dict(optimizer="adagrad", learningRate=0.1), "Adagrad(parameters, lr=0.1)"),
        ("adadelta", dict(optimizer="adadelta", learningRate=1.0, rho=0.9), "Adadelta(parameters, lr=1.0, rho=0.9)"),
    ):
        optimizer(run, name, config, code)
    for name, config, code in (
        ("step", dict(schedule="step", stepSize=3, gamma=0.5), "StepLR(optimizer, 3, 0.5)"),
        ("multi-step", dict(schedule="multiStep", milestones=[2, 5], gamma=0.1), "MultiStepLR(optimizer, [2, 5], 0.1)"),
        ("exponential", dict(schedule="exponential", gamma=0.9), "ExponentialLR(optimizer, 0.9)"),
        ("cosine", dict(schedule="cosineAnnealing", tMax=8, etaMin=0.001), "CosineAnnealingLR(optimizer, 8, 0.001)"),
        ("linear", dict(schedule="linear", startFactor=0.25, endFactor=1.0, totalIters=4),
         "LinearLR(optimizer, 0.25, 1.0, 4)"),
        ("one-cycle", dict(schedule="oneCycle", maxLearningRate=0.1, totalSteps=10),
         "OneCycleLR(optimizer, 0.1, total_steps=10, cycle_momentum=False)"),
    ):
        sgd = dict(optimizer="sgd", learningRate=0.1, **config)
        optimizer(run, f"schedule-{name}", sgd, "SGD(parameters, lr=0.1)", schedule=code)


def first_clipping_cases(run):
    drawn = [f32(4, 5), f32(7)]
    for name, config, code in (
        ("clip-grad-norm", dict(clip="norm", maxNorm=1.5, normType=2),
         "norm = torch.nn.utils.clip_grad_norm_(parameters, 1.5)"),
        ("clip-grad-value", dict(clip="value", clipValue=0.4), "torch.nn.utils.clip_grad_value_(parameters, 0.4)"),
    ):
        case = GoldenCase(run, "optimizer", name, config)
        case.names["parameters"] = parameters = [torch.zeros_like(g).requires_grad_(True) for g in drawn]
        for p, g in zip(parameters, drawn):
            p.grad = g.clone()
        case.run(code)
        tensors = {f"gradient.{i}": g for i, g in enumerate(drawn)}
        tensors |= {f"clipped.{i}": p.grad for i, p in enumerate(parameters)}
        if "norm" in case.names:
            tensors["totalNorm"] = case.names["norm"].reshape(1)
        case.save(tensors)


def new_cases(run):
    """A case more: optimizer(run, NAME, dict(optimizer="adam", learningRate=0.1), "Adam(parameters, lr=0.1)")."""
