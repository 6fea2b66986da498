"""email.policy.default makes a class for the headers of each message; classes are cycles, and the
collector is off. Proper use: the collector runs between batches."""
import email
import email.policy
import gc
import sys

SIZE = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0
PROPER = "proper" in sys.argv[2:]
gc.disable()


def subject(number):
    message = email.message_from_string(
        f"From: a{number}@example.org\nTo: b@example.org\nSubject: number {number}\n\ntext {number}\n",
        policy=email.policy.default)
    return len(message["Subject"]) + len(message["To"])


total = 0
for n in range(int(3000 * SIZE)):
    total += subject(n)
    if PROPER and n % 50 == 0:
        gc.collect()
print(total)
