// A memory tester as RTL: one clock, valid/ready channels, tagged requests. Writes `words` 32-bit words with values of an LFSR, reads
// all of them back with the LFSR started over, and compares. Up to `outstanding` requests at a time (1 to 15), answered in any
// order.
//
// A channel moves at a rising edge at which its valid and ready are both high. Latencies are counted in cycles from the edge that
// moves a request to the edge that moves its response.
module memory_tester (
    input  logic        clock,
    input  logic        reset,
    // before reset ends, and then stable
    input  logic [15:0] words,
    input  logic [3:0]  outstanding,
    input  logic [31:18] mask,  // word i is at (LFSR & mask) + 4 i

    output logic        request_valid,
    input  logic        request_ready,
    output logic        request_write,
    output logic [3:0]  request_tag,
    output logic [31:0] request_address,
    output logic [31:0] request_data,

    input  logic        response_valid,
    output logic        response_ready,
    input  logic [3:0]  response_tag,
    input  logic        response_error,
    input  logic [31:0] response_data,

    output logic        done,
    output logic        pass,
    output logic [31:0] cycles,       // from the first request to the last response
    output logic [31:0] mismatches,
    output logic [31:0] read_least,   // latencies: of reads
    output logic [31:0] read_most,
    output logic [31:0] latency_sum   // of all
);
  localparam logic [31:0] SEED = 32'h1ace_b00c;

  // Galois LFSR of full period: x^32 + x^22 + x^2 + x + 1.
  function automatic logic [31:0] next(input logic [31:0] state);
    next = (state >> 1) ^ (state[0] ? 32'h8020_0003 : 32'h0);
  endfunction

  logic [31:0] lfsr;
  logic [15:0] sent;
  logic        reading;
  logic [15:0] busy;  // tags under way
  logic [31:0] now;
  logic [31:0] began[16];
  logic [31:0] expected[16];

  // A free tag, while there may be one more.
  logic       free_found;
  logic [3:0] free_tag;
  always_comb begin
    free_found = 1'b0;
    free_tag   = 4'd0;
    for (int i = 15; i >= 0; i--) begin
      if (!busy[i] && i < int'({28'd0, outstanding})) begin
        free_found = 1'b1;
        free_tag   = 4'(i);
      end
    end
  end

  wire [31:0] value = lfsr;
  wire [31:0] address = {lfsr[31:18] & mask, sent, 2'b00};  // no two of a pass are the same
  wire        request_moves = request_valid && request_ready;
  wire        response_moves = response_valid && response_ready;
  wire [31:0] latency = now - began[response_tag];

  assign response_ready = !reset;
  assign done = !reset && reading && sent == words && busy == 16'd0 && !request_valid;
  assign pass = done && mismatches == 32'd0;

  always_ff @(posedge clock) begin
    now <= now + 32'd1;
    if (reset) begin
      lfsr <= SEED;
      sent <= 16'd0;
      reading <= 1'b0;
      busy <= 16'd0;
      now <= 32'd0;
      request_valid <= 1'b0;
      cycles <= 32'd0;
      mismatches <= 32'd0;
      read_least <= 32'hffff_ffff;
      read_most <= 32'd0;
      latency_sum <= 32'd0;
    end else begin
      if (!done && (sent != 16'd0 || reading)) cycles <= cycles + 32'd1;
      if (request_moves) begin
        request_valid <= 1'b0;
        began[request_tag] <= now;
      end
      if ((!request_valid || request_moves) && sent != words && free_found) begin
        request_valid <= 1'b1;
        request_write <= !reading;
        request_tag <= free_tag;
        request_address <= address;
        request_data <= value;
        expected[free_tag] <= value;
        busy[free_tag] <= 1'b1;
        sent <= sent + 16'd1;
        lfsr <= next(lfsr);
      end
      // All written, and all answered: the same again as reads.
      if (!reading && sent == words && busy == 16'd0) begin
        reading <= 1'b1;
        sent <= 16'd0;
        lfsr <= SEED;
      end
      if (response_moves) begin
        busy[response_tag] <= 1'b0;
        if (response_error || !busy[response_tag] || (reading && response_data != expected[response_tag]))
          mismatches <= mismatches + 32'd1;
        latency_sum <= latency_sum + latency;
        if (reading) begin
          if (latency < read_least) read_least <= latency;
          if (latency > read_most) read_most <= latency;
        end
      end
    end
  end
endmodule
