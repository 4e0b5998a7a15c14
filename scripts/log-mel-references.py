"""Writes what the test of LogMel compares with.

    python3 scripts/log-mel-references.py > test/audio/fixtures/log-mel.json

By librosa 0.11.0 (pip install librosa==0.11.0), in f64, of a tone that rises, with noise that a few lines in any
language give again.
"""
import json

import librosa
import numpy as np

NAMES = ["sampleRate", "numMels", "fftSize", "windowLength", "hopLength", "fMin", "fMax"]
CASES = [
    dict(zip(NAMES, values))
    for values in [
        [8000, 40, 256, 200, 80, 0, 4000],
        [16000, 20, 512, 512, 300, 50, 7000],
        [22050, 12, 1024, 701, 441, 300, 9000],
    ]
]
SAMPLES = 1500


def sound(rate):
    """A tone from 200 Hz upwards, and noise: x <- 16807 x mod (2^31 - 1)."""
    time = np.arange(SAMPLES) / rate
    x, noise = 1, np.empty(SAMPLES)
    for at in range(SAMPLES):
        x = 16807 * x % (2**31 - 1)
        noise[at] = x / (2**31 - 1) - 0.5
    return 0.5 * np.sin(2 * np.pi * (200 + 4000 * time) * time) + 0.1 * noise


def features(case):
    """[T, F], the natural logarithm."""
    mel = librosa.feature.melspectrogram(
        y=sound(case["sampleRate"]),
        sr=case["sampleRate"],
        n_fft=case["fftSize"],
        win_length=case["windowLength"],
        hop_length=case["hopLength"],
        n_mels=case["numMels"],
        fmin=case["fMin"],
        fmax=case["fMax"],
        dtype=np.float64,
    )
    return np.log(np.maximum(mel, 1e-10)).T


cases = [{"options": case, "features": [[round(v, 7) for v in row] for row in features(case)]} for case in CASES]
print(json.dumps({"librosa": librosa.__version__, "cases": cases}, separators=(",", ":")))
