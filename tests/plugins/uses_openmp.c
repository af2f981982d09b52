/* NEEDED libgomp: its threads outlive the plugin that brought it. */
__attribute__((visibility("default"))) int touch(int n);
int touch(int n) {
    int sum = 0;
#pragma omp parallel for reduction(+ : sum)
    for (int i = 0; i < n; ++i) {
        sum += i;
    }
    return sum;
}
