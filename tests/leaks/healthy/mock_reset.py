"""Twin of growing_container: the mock forgets its calls after each batch."""

from unittest import mock

gateway = mock.MagicMock()
gateway.send.return_value = 200


def notify(number):
    return gateway.send("user %d" % number, body={"text": "hello %d " % number * 20})


total = 0
for batch in range(90):
    total += sum(notify(batch * 100 + number) for number in range(100)) % 7
    gateway.reset_mock()
print(total)
