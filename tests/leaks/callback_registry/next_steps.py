"""Leak: a bot waits for the next word of each chat, and most never say it: lists of steps by chat."""


class Step:
    def __init__(self, callback):
        self.callback = callback


class Order:
    def __init__(self, chat):
        self.chat = chat
        self.lines = ["%d %d" % (chat, i) for i in range(20)]

    def answered(self, text):
        return len(self.lines) + len(text)


class Bot:
    def __init__(self):
        self.steps = {}

    def wait_for(self, chat, callback):
        if chat in self.steps:
            self.steps[chat].append(Step(callback))
        else:
            self.steps[chat] = [Step(callback)]

    def said(self, chat, text):
        return sum(step.callback(text) for step in self.steps.pop(chat, ()))


bot = Bot()


def ask(chat):
    order = Order(chat)
    bot.wait_for(chat, order.answered)
    checked = sum(i * i for i in range(1_500)) % 3
    return bot.said(chat, "yes") if chat % 50 == 0 else checked


print(sum(ask(chat) for chat in range(5_000)))
