package org.sparkrnn.worker.training;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;
import org.sparkrnn.common.config.KernelConfig.Isa;
import org.sparkrnn.common.corpus.TokenReader;
import org.sparkrnn.common.storage.MemoryFiles;
import org.sparkrnn.worker.kernel.Arena;
import org.sparkrnn.worker.kernel.ArenaPlan;
import org.sparkrnn.worker.kernel.GradientTransform;
import org.sparkrnn.worker.kernel.Matrix;
import org.sparkrnn.worker.kernel.UpdateRule;
import org.sparkrnn.worker.kernel.NativeKernel;
import org.sparkrnn.worker.random.PhiloxKey;

/**
 * What a task does in Java beside the kernel: the codec of what crosses Spark, windows read from a
 * corpus, random words, and the price of a native call. {@code bench/jmh} runs it.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(1)
public class TaskPartsBenchmark {
  private static final int PARAMETERS = 1 << 20;
  private static final int STREAMS = 20;
  private static final int WINDOW = 35;
  private static final int WINDOWS = 50;

  private final float[] parameters = new float[PARAMETERS];
  private final PhiloxKey key = PhiloxKey.initialisation(1, "output.weight");
  private byte[] encoded = new byte[0];
  private TokenReader tokens;
  private WindowReader windows;
  private int window;
  private NativeKernel kernel;
  private Arena arena;
  private Matrix parameter;
  private Matrix gradient;

  @Setup(Level.Trial)
  public void open() throws IOException {
    Arrays.fill(parameters, 0.5f);
    encoded = encode();
    int[] text = Runs.tokens(STREAMS * (WINDOW * WINDOWS + 1), 1);
    tokens = Runs.corpus(new MemoryFiles(), "corpus", text, text).tokens("train");
    windows = new WindowReader(tokens::read, STREAMS, WINDOW);
    kernel = new NativeKernel(Isa.AUTO);
    ArenaPlan plan = new ArenaPlan();
    ArenaPlan.Region region = plan.region("two floats", 2);
    arena = kernel.allocate(plan);
    parameter = region.dense(arena, 0, 1, 1);
    gradient = region.dense(arena, 1, 1, 1);
  }

  @TearDown(Level.Trial)
  public void close() throws IOException {
    tokens.close();
    arena.close();
  }

  private byte[] encode() throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream(4 * PARAMETERS + 4);
    FloatCodec.write(new DataOutputStream(bytes), parameters);
    return bytes.toByteArray();
  }

  /** 2²⁰ parameters into an array of bytes. */
  @Benchmark
  public byte[] writeParameters() throws IOException {
    return encode();
  }

  @Benchmark
  public float[] readParameters() throws IOException {
    return FloatCodec.read(new DataInputStream(new ByteArrayInputStream(encoded)));
  }

  /** The next 35 steps of 20 streams, from shards in memory. */
  @Benchmark
  public int[] readWindow() throws IOException {
    window = (window + 1) % WINDOWS;
    for (int stream = 0; stream < STREAMS; stream++) {
      windows.read(stream, (long) stream * WINDOW * WINDOWS + (long) window * WINDOW, WINDOW);
    }
    return windows.tokens();
  }

  /** 1024 initial parameters' random words. */
  @Benchmark
  public int philoxWords() {
    int sum = 0;
    for (int i = 0; i < 1024; i++) {
      sum += key.word(i);
    }
    return sum;
  }

  /** An update of one parameter: nothing but checks and the way into C and back. */
  @Benchmark
  public void nativeCall() {
    kernel.update(
        parameter, gradient, List.of(), new UpdateRule.Sgd(0.1f), GradientTransform.NONE);
  }
}
