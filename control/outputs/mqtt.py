"""A switch behind an MQTT broker: a topic for commands, and one on which it tells its state. QoS 1, never retained, with credentials.

The broker answers, not the device: without a topic of the state nobody knows what it did. It has no timer that we know of.
"""

import secrets
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager

from control.outputs import Reading, mqtt_packets
from control.outputs.mqtt_packets import CONNACK, PINGRESP, PUBACK, PUBLISH, REFUSED_TOPIC, SUBACK, Garbled, Packet
from control.outputs.switch import is_on
from energysite.device_look import HEARD_SHOWN
from energysite.errors import DeviceConfigError, DeviceUnavailable
from energysite.phrases import Phrase
from energysite.phrases import phrase as _
from energysite.text import plain
from meters.host_port import host_and_port
from meters.transports.network import open_socket

PORT = 1883
KEEP_ALIVE_S = 60
CHUNK = 65536
# Codes of CONNACK by which no later try can succeed: who we are, 3.2.2.3
WHO = (2, 4, 5)
REFUSED = _("The broker at %(host)s refuses the user or the password.")
NOT_NOW = _("The broker at %(host)s takes no connection now. It is asked again.")
FORBIDDEN = _("The broker at %(host)s does not let us listen to %(topic)s. Check what its user may do.")
LATE = _("The broker at %(host)s takes too long to answer.")
GARBLED = _("What answers at %(host)s is no MQTT broker. Check the address and the port.")
BROKEN = _("The broker at %(host)s broke off the connection.")


class Mqtt:
    family = "mqtt"
    has_timer = False

    def __init__(
        self,
        address: str,
        topic: str,
        *,
        state_topic: str = "",
        texts: tuple[str, str] = ("ON", "OFF"),
        username: str = "",
        password: str = "",
    ) -> None:
        found = host_and_port(address)
        if found is None:
            raise DeviceConfigError(_("Write the address as %(scheme)s://host:port.") % {"scheme": "socket"})
        self._host, self._port = found[0], found[1] or PORT
        self._topic, self._state_topic, self._texts = topic, state_topic, texts
        self._login = (username, password)
        self._socket: socket.socket | None = None
        self._buffer = bytearray()
        self._number = 0
        self._state: str | None = None
        self.heard = ""

    def apply(self, level: float, lease_s: float, deadline: float) -> None:
        self._say(self._texts[0 if is_on(level) else 1], deadline)

    def safe(self, deadline: float) -> None:
        self._say(self._texts[1], deadline)

    def read(self, deadline: float) -> Reading:
        """What the device told last, on this connection and after the last command that differed from it."""
        with self._in_words():
            try:
                self._ping(deadline)
            except ConnectionError:
                self.close()
                self._ping(deadline)
        return Reading(level=self._level())

    def close(self) -> None:
        connection, self._socket = self._socket, None
        self._buffer.clear()
        self._state = None
        if connection is None:
            return
        try:
            connection.sendall(mqtt_packets.DISCONNECT)
        except OSError:
            pass  # it is gone already: the same as closed
        finally:
            connection.close()

    def _say(self, text: str, deadline: float) -> None:
        if self._state != text:
            self._state = None  # told before this command
        with self._in_words():
            try:
                self._publish(text, deadline)
            except ConnectionError:  # it closed the connection between two commands, as a broker that was restarted has
                self.close()
                self._publish(text, deadline)

    def _publish(self, text: str, deadline: float) -> None:
        self._connected(deadline)
        number = self._next()
        self._send(mqtt_packets.publish(self._topic, text, number), deadline)
        self._await(PUBACK, deadline, number)

    def _ping(self, deadline: float) -> None:
        """What was told before the answer has been heard by then."""
        self._connected(deadline)
        self._send(mqtt_packets.PINGREQ, deadline)
        self._await(PINGRESP, deadline)

    def _connected(self, deadline: float) -> None:
        if self._socket is not None:
            return
        self._socket = open_socket(self._host, self._port, deadline)
        name = f"energysite-{secrets.token_hex(4)}"  # of its own: two clients of one name throw each other out
        self._send(mqtt_packets.connect(name, *self._login, KEEP_ALIVE_S), deadline)
        code = (self._await(CONNACK, deadline).body + b"\xff\xff")[1]
        if code:
            raise DeviceConfigError(self._told(REFUSED)) if code in WHO else DeviceUnavailable(self._told(NOT_NOW))
        if self._state_topic:
            number = self._next()
            self._send(mqtt_packets.subscribe(self._state_topic, number), deadline)
            if self._await(SUBACK, deadline, number).body[2:] == bytes((REFUSED_TOPIC,)):
                raise DeviceConfigError(self._told(FORBIDDEN) % {"topic": self._state_topic})

    def _await(self, kind: int, deadline: float, number: int | None = None) -> Packet:
        """The answer of this kind; messages on the way are heard and acknowledged. Raises OSError, Garbled."""
        while True:
            for packet in mqtt_packets.take(self._buffer):
                if packet.kind == PUBLISH:
                    self._hear(packet, deadline)
                elif packet.kind == kind and (number is None or mqtt_packets.number_of(packet) == number):
                    return packet
            data = self._armed(deadline).recv(CHUNK)
            if not data:
                raise ConnectionResetError
            self._buffer += data

    def _hear(self, packet: Packet, deadline: float) -> None:
        message = mqtt_packets.message(packet)
        if message.topic == self._state_topic:
            self._state = message.text.strip()
            self.heard = plain(f"{message.topic}: {message.text}", HEARD_SHOWN)
        if message.number:
            self._send(mqtt_packets.acknowledge(message.number), deadline)

    def _send(self, data: bytes, deadline: float) -> None:
        self._armed(deadline).sendall(data)

    def _armed(self, deadline: float) -> socket.socket:
        left_s = deadline - time.monotonic()
        if left_s <= 0 or self._socket is None:
            raise TimeoutError("the broker took too long")
        self._socket.settimeout(left_s)
        return self._socket

    def _next(self) -> int:
        self._number = self._number % 65535 + 1
        return self._number

    def _level(self) -> float | None:
        """None where the device told nothing yet, or nothing that we were told of: a topic may say more than on and off."""
        told = None if self._state is None else self._state.lower()
        return {self._texts[0].lower(): 1.0, self._texts[1].lower(): 0.0}.get(told or "")

    @contextmanager
    def _in_words(self) -> Iterator[None]:
        """After a failure the connection is opened anew: an answer that comes late belongs to no later question."""
        try:
            yield
        except (OSError, Garbled) as error:
            self.close()
            why = LATE if isinstance(error, TimeoutError) else GARBLED if isinstance(error, Garbled) else BROKEN
            raise DeviceUnavailable(self._told(why)) from error
        except BaseException:
            self.close()
            raise

    def _told(self, words: Phrase) -> Phrase:
        return words % {"host": self._host}
