// E14: an inline static of C++ (gcc makes it STB_GNU_UNIQUE): once bound, the library never leaves.
struct Counter {
    static int &value() {
        static int count = 0;
        return count;
    }
};
template <class T> struct Shared { static int number; };
template <class T> int Shared<T>::number = 7;

extern "C" __attribute__((visibility("default"))) int touch() {
    return ++Counter::value() + Shared<int>::number;
}
