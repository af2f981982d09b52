// D07: a thread_local with a destructor: the library stays while a thread that touched it lives.
struct Noisy {
    int value = 1;
    ~Noisy() { value = 0; }
};
static thread_local Noisy noisy;

extern "C" __attribute__((visibility("default"))) int touch() {
    return noisy.value;
}
