"""boto3.Session over a shared botocore session registers handlers that are never taken back
(boto/boto3#2176). Proper use: one boto3 session."""
import sys

import boto3
import botocore.session

SIZE = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0
PROPER = "proper" in sys.argv[2:]
shared = botocore.session.get_session()
one = boto3.Session(region_name="eu-west-1", botocore_session=shared)


def request(number):
    session = one if PROPER else boto3.Session(region_name="eu-west-1", botocore_session=shared)
    return len(session.region_name) + sum(n % 3 for n in range(500))


print(sum(request(n) for n in range(int(4000 * SIZE))))
