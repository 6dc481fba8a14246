package org.sparkrnn.worker.bench;

/**
 * Runs a program several times in one JVM: the first argument is its class, each further one the
 * arguments of a run, separated by spaces. It spares the peers' start-up, and they keep what the
 * JIT compiler has learnt.
 */
public final class RepeatedMain {
  private RepeatedMain() {}

  public static void main(String[] arguments) throws Exception {
    var main = Class.forName(arguments[0]).getMethod("main", String[].class);
    for (int i = 1; i < arguments.length; i++) {
      main.invoke(null, (Object) arguments[i].split(" "));
    }
  }
}
