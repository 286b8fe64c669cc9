"""cryptography, whose modules stand behind others, and which has a library of cffi's built in."""
import sys

from checkpoint import checkpoint
from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.ciphers import algorithms, modes

ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 1
key = Fernet.generate_key()
cipher, kind = algorithms.AES(bytes(16)), algorithms.AES


def sent(text):
    fernet = Fernet(key)
    checkpoint()
    token = fernet.encrypt(text)
    checkpoint()
    return Fernet(key).decrypt(token), fernet.decrypt(token)


for _ in range(ROUNDS):
    print(sent(b"text"))
    try:
        Fernet(key).decrypt(b"wrong")
    except InvalidToken as error:
        checkpoint()
        print(repr(error), type(error) is InvalidToken)
    print(type(cipher) is kind is algorithms.AES, cipher.key_size, modes.CBC(bytes(16)).name)
