#!/usr/bin/env python3
"""Every drawn recording, diagnosed as JSON, is what docs/schema/diagnosis-1.json says.

schema.py --heaplens PATH --draw PATH; exit 77 (skipped) without the jsonschema package.
"""

import argparse
import json
import pathlib
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
SCHEMA = HERE.parents[1] / "docs" / "schema" / "diagnosis-1.json"


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
    schema = json.loads(SCHEMA.read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    heaps = sorted((HERE / "heaps").glob("*.heap"))
    with tempfile.TemporaryDirectory() as folder:
        for heap in heaps:
            recording = pathlib.Path(folder) / (heap.stem + ".hlens")
            subprocess.run([args.draw, heap, recording], check=True)
            said = subprocess.run(
                [args.heaplens, "diagnose", "--json", recording], capture_output=True, check=True
            )
            said.stdout.decode("utf-8")  # strictly
            validator.validate(json.loads(said.stdout))
    print(f"{len(heaps)} diagnoses")
    return 0


if __name__ == "__main__":
    sys.exit(main())
