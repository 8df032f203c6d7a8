"""Melodies that people wrote: single parts of scores from music21's corpus (pip install music21, BSD).

J. S. Bach's chorales, and the fiddle tunes of Ryan's Mammoth Collection (Boston 1883). This music is in the
public domain, no file of either states a restriction, and music21 says of its corpus that "the encodings are
also either public domain or used by permission". Left out are the Essen songs, for their note permits
non-commercial use alone, and any file that names a holder of rights. Only notes are taken: when, how long,
how high.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import music21
import numpy as np
from contours import Random

#: (start, length, note) in quarters and MIDI's numbers, one after the other.
Part = list[tuple[float, float, int]]
#: As `sources.midi_file` takes them: start, end, note, velocity.
Events = list[tuple[float, float, int, int]]


def melodies(random: Random, each: int = 40) -> list[Part]:
    """All parts of `each` chorales and as many tunes."""
    found: list[Part] = []
    for composer, pattern in (("bach", "bwv*.mxl"), ("ryansMammoth", "*.abc")):
        paths = [p for p in music21.corpus.getComposer(composer) if p.match(pattern)]
        for i in random.choice(len(paths), each, replace=False):
            found += score_parts(music21.converter.parse(paths[i]))
    return found


def score_parts(score: music21.stream.Score) -> Iterator[Part]:
    if score.metadata is not None and score.metadata.copyright:
        return
    for part in score.parts:
        notes = [
            (float(n.offset), float(n.quarterLength), int(n.pitch.midi))
            for n in part.stripTies().flatten().notes
            if n.isNote and n.quarterLength > 0
        ]
        # A part that splits in two, or has hardly any notes, is of no use.
        if len(notes) > 20 and all(a[0] + a[1] <= b[0] + 0.01 for a, b in pairwise(notes)):
            yield notes


def events(random: Random, parts: list[Part], lowest: int, highest: int, seconds: float) -> Events:
    """Phrases of `parts` one after the other, each in its own key and tempo, in a range over an octave."""
    found: Events = []
    at = 0.2
    while at < seconds - 1:
        part = parts[random.integers(len(parts))]
        begin = int(random.integers(len(part) - 8))
        phrase = part[begin : begin + int(random.integers(8, 30))]
        shift = int(random.integers(lowest, highest + 1) - np.median([note for _, _, note in phrase]))
        quarter_s = 60 / random.uniform(60, 150)
        # From short notes with gaps between them to notes that touch.
        held = random.uniform(0.6, 1.0)
        began = at - phrase[0][0] * quarter_s
        for start, length, note in phrase:
            at = began + start * quarter_s
            if at > seconds - 1:
                break
            inside = note + shift
            # By octaves back to what the instrument has.
            if inside < lowest:
                inside = lowest + (inside - lowest) % 12
            elif inside > highest:
                inside = highest - (highest - inside) % 12
            sounding = max(length * held * quarter_s - 0.02, length * quarter_s / 2)
            found.append((at, at + sounding, inside, int(random.integers(35, 127))))
            at += length * quarter_s
        at += float(random.uniform(0.1, 0.8))
    return found
