"""How a running program moves to another interpreter, and its old process becomes a pipe to it.

origin.py   here, while the program still runs: reaches the far side, hands the state over
direct.py   here, instead of origin.py: a move within this machine, without a gateway
departed.py here, afterwards: signals, the terminal, the end
pipe.py     here, afterwards: stdio, signals, window size
modules.py  here, afterwards: the program's own modules that are imported late
children.py here, of a fork: the parent's hold on its children
luggage.py  what the far side needs of us: the package and the engine
process.py  there: a process with its stdio here; program.py: one that a program goes on in
porter.py   there: starts the interpreter, stands between it and its origin
arrival.py  there, in the program's process: the way to the porter
"""
