from django.apps import AppConfig


class ControlConfig(AppConfig):
    name = "control"

    def ready(self) -> None:
        from control import notice_words
        from control.outputs import publishing
        from energysite.notify import words

        publishing.connect()
        words.register(notice_words.said)
