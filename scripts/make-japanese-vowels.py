"""Makes src/datasets/japanese-vowels.bin.gz from ae.train.txt and ae.test.txt, two text files of the UCI repository.

usage: python3 scripts/make-japanese-vowels.py FOLDER [OUTPUT]

The source gives twelve decimals of six digits a frame; an utterance ends with a frame of twelve 1.0. A decimal times
1e6 is an integer, so the file holds integers and loses nothing but the sign of one -0.000000. Unpacked it is

    4 bytes    length of the header, little endian
    header     JSON: attribution, divisor, features, and for each of train and test the lengths and the utterances of
               each speaker
    4 planes   the int32 values of all frames, train before test: first the lowest byte of every value, then the
               second, ...

Bytes of one weight side by side compress better than whole integers do. The output is the same for the same input, byte
by byte.
"""
import gzip
import json
import pathlib
import struct
import sys
from decimal import Decimal

DIVISOR = 1_000_000
FEATURES = 12
SPEAKERS = {"train": [30] * 9, "test": [31, 35, 88, 44, 29, 24, 40, 50, 29]}
ATTRIBUTION = {
    "title": "Japanese Vowels",
    "creators": "M. Kudo, J. Toyama, M. Shimbo (Hokkaido University)",
    "publisher": "UCI Machine Learning Repository, 1999",
    "doi": "10.24432/C5NS47",
    "license": "CC BY 4.0, https://creativecommons.org/licenses/by/4.0/",
    "changes": "stored as integers (value times 1000000) instead of decimal text; no value was changed",
}


def read_utterances(path):
    """A list of utterances, each a list of frames, each twelve integers."""
    utterances, frames = [], []
    for number, line in enumerate(path.read_text().splitlines(), 1):
        words = line.split()
        if not words:
            continue
        if len(words) != FEATURES:
            sys.exit(f"{path}:{number}: got {len(words)} numbers, expected {FEATURES}")
        if all(Decimal(word) == 1 for word in words):
            utterances.append(frames)
            frames = []
            continue
        scaled = [Decimal(word) * DIVISOR for word in words]
        if any(value != int(value) for value in scaled):
            sys.exit(f"{path}:{number}: got more than six decimals, expected at most six")
        frames.append([int(value) for value in scaled])
    if frames:
        sys.exit(f"{path}: the last utterance has no closing frame of twelve 1.0")
    return utterances


def main(folder, output):
    header = {"format": 1, "attribution": ATTRIBUTION, "divisor": DIVISOR, "features": FEATURES}
    values = []
    for part, speakers in SPEAKERS.items():
        utterances = read_utterances(folder / f"ae.{part}.txt")
        if len(utterances) != sum(speakers):
            sys.exit(f"ae.{part}.txt: got {len(utterances)} utterances, expected {sum(speakers)}")
        header[part] = {"speakers": speakers, "lengths": [len(frames) for frames in utterances]}
        values += [value for frames in utterances for frame in frames for value in frame]
    packed = struct.pack(f"<{len(values)}i", *values)
    text = json.dumps(header, separators=(",", ":")).encode()
    body = struct.pack("<I", len(text)) + text + b"".join(packed[plane::4] for plane in range(4))
    output.write_bytes(gzip.compress(body, compresslevel=9, mtime=0))
    print(f"{output.name}: {len(values) // FEATURES} frames, {output.stat().st_size} bytes")


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    default = pathlib.Path(__file__).resolve().parent.parent / "src/datasets/japanese-vowels.bin.gz"
    main(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]) if len(sys.argv) == 3 else default)
