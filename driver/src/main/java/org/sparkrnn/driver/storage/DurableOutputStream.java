package org.sparkrnn.driver.storage;

import java.io.IOException;
import java.io.OutputStream;
import org.apache.hadoop.fs.FSDataOutputStream;
import org.apache.hadoop.fs.StreamCapabilities;

/** Forces its bytes to the disks of the file system before it closes, where the file system can. */
final class DurableOutputStream extends OutputStream {
  private final FSDataOutputStream output;
  private boolean open = true;

  DurableOutputStream(FSDataOutputStream output) {
    this.output = output;
  }

  @Override
  public void write(int value) throws IOException {
    output.write(value);
  }

  @Override
  public void write(byte[] bytes, int from, int count) throws IOException {
    output.write(bytes, from, count);
  }

  @Override
  public void flush() throws IOException {
    output.flush();
  }

  @Override
  public void close() throws IOException {
    if (!open) {
      return;
    }
    open = false;
    try (output) {
      if (output.hasCapability(StreamCapabilities.HSYNC)) {
        output.hsync();
      }
    }
  }
}
