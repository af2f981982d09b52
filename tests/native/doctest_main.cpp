// The main of every test program that has none of its own: it comes from an archive, so the linker takes it only then.
#include <doctest/doctest.h>

int main(int argc, char **argv) {
    return doctest::Context(argc, argv).run();
}
