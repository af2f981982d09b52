// No test: a program that includes what the tests do (HOTGRAFT_PCH).
