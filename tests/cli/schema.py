#!/usr/bin/env python3
"""Every drawn recording, diagnosed as JSON and as a timeline, is what docs/schema says.

schema.py --heaplens PATH --draw PATH; exit 77 (skipped) without the jsonschema package.
"""

import argparse
import json
import pathlib
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
SCHEMAS = HERE.parents[1] / "docs" / "schema"
VERBS = {"diagnose": "diagnosis-1.json", "timeline": "timeline-1.json"}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--heaplens", type=pathlib.Path, required=True)
    parser.add_argument("--draw", type=pathlib.Path, required=True)
    args = parser.parse_args()
    try:
        import jsonschema
    except ImportError:
        print("jsonschema is not installed: pip install jsonschema")
        return 77
    validators = {}
    for verb, name in VERBS.items():
        schema = json.loads((SCHEMAS / name).read_text())
        jsonschema.Draft202012Validator.check_schema(schema)
        validators[verb] = jsonschema.Draft202012Validator(schema)
    heaps = sorted((HERE / "heaps").glob("*.heap"))
    with tempfile.TemporaryDirectory() as folder:
        for heap in heaps:
            recording = pathlib.Path(folder) / (heap.stem + ".hlens")
            subprocess.run([args.draw, heap, recording], check=True)
            for verb, validator in validators.items():
                said = subprocess.run(
                    [args.heaplens, verb, "--json", recording], capture_output=True, check=True
                )
                said.stdout.decode("utf-8")  # strictly
                validator.validate(json.loads(said.stdout))
    print(f"{len(heaps)} diagnoses and timelines")
    return 0


if __name__ == "__main__":
    sys.exit(main())
