"""What can a linear probe read at each layer, and is it the residual stream or the probe?"""
