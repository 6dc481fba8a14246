// The best large float32 product of a BLAS on one thread, square and of a window's shape.
//
//   blas LIBRARY SECONDS    {"gflops": median, ..., "shape": "2048 x 2048 x 2048"}
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "samples.h"

typedef void gemm(int order, int transpose_a, int transpose_b, int m, int n, int k, float alpha,
                  const float *a, int lda, const float *b, int ldb, float beta, float *c, int ldc);
enum { ROW_MAJOR = 101, AS_IT_IS = 111 };

static float *matrix(long floats) {
    float *to = aligned_alloc(64, (size_t)(floats + 15) / 16 * 64);
    for (long i = 0; i < floats; i++) to[i] = (float)(i % 255 - 127) * 1e-3f;
    return to;
}

static double median_of(samples *all) {
    qsort(all->rates, (size_t)all->count, sizeof(double), samples_compare);
    return all->rates[all->count / 2];
}

int main(int count, char **arguments) {
    if (count != 3) return 2;
    void *library = dlopen(arguments[1], RTLD_NOW);
    if (library == NULL) {
        fprintf(stderr, "Cannot load %s: %s\n", arguments[1], dlerror());
        return 3;
    }
    gemm *product;
    *(void **)&product = dlsym(library, "cblas_sgemm");
    if (product == NULL) {
        fprintf(stderr, "Cannot use %s: it has no cblas_sgemm\n", arguments[1]);
        return 3;
    }
    static const int shapes[][3] = {{2048, 2048, 2048}, {4096, 2048, 512}, {5600, 4600, 1150}};
    const int shape_count = sizeof shapes / sizeof shapes[0];
    samples best = {0};
    const int *best_shape = NULL;
    for (int i = 0; i < shape_count; i++) {
        const int m = shapes[i][0], n = shapes[i][1], k = shapes[i][2];
        float *a = matrix((long)m * k), *b = matrix((long)k * n), *c = matrix((long)m * n);
        product(ROW_MAJOR, AS_IT_IS, AS_IT_IS, m, n, k, 1, a, k, b, n, 0, c, n);
        samples all = samples_begin(atof(arguments[2]) / shape_count);
        while (samples_go_on(&all)) {
            const double begin = wall_seconds();
            product(ROW_MAJOR, AS_IT_IS, AS_IT_IS, m, n, k, 1, a, k, b, n, 0, c, n);
            samples_add(&all, 2.0 * m * n * k / (wall_seconds() - begin) / 1e9);
        }
        // Both clocks stop here: the samples of the best are printed at the end.
        all.wall -= wall_seconds();
        all.processor -= processor_seconds();
        if (best_shape == NULL || median_of(&all) > median_of(&best)) {
            best = all;
            best_shape = shapes[i];
        }
        free(a), free(b), free(c);
    }
    best.wall += wall_seconds();
    best.processor += processor_seconds();
    char shape[80];
    snprintf(shape, sizeof shape, ", \"shape\": \"%d x %d x %d\"", best_shape[0], best_shape[1],
             best_shape[2]);
    samples_print(&best, shape);
    return 0;
}
